import CPlatform
import Glibc
package import SystemPackage

/// Wakes a thread that waits for it. What is signalled before the wait is not lost.
package final class Wakeup: Sendable {
  /// Readable from a signal on until that is cleared, for a thread that waits for other descriptors as well.
  package let descriptor: Int32

  /// Makes one that was not signalled.
  ///
  /// - Throws: the cause, if the system gives it no descriptor.
  package init() throws(Errno) {
    descriptor = cplatform_eventfd()
    guard descriptor >= 0 else { throw Errno(rawValue: -descriptor) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Wakes the thread, from any other. It never blocks.
  package func signal() {
    var one: UInt64 = 1
    while write(descriptor, &one, MemoryLayout.size(ofValue: one)) < 0, errno == EINTR {}
  }

  /// Forgets what was signalled so far.
  package func clear() { _ = takeSignals() }

  /// Returns once it was signalled since the last return, and clears that.
  package func wait() {
    while !takeSignals() {
      guard errno == EAGAIN else { return }
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&waited, 1, -1)
    }
  }

  /// Whether there were any; if not, `errno` says why.
  private func takeSignals() -> Bool {
    var count: UInt64 = 0
    var length: Int
    repeat {
      length = read(descriptor, &count, MemoryLayout.size(ofValue: count))
    } while length < 0 && errno == EINTR
    return length > 0
  }
}
