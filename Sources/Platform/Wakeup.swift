import CPlatform
import Glibc
package import SystemPackage

/// Wakes a thread that waits for it. A signal sent before the wait is not lost.
package final class Wakeup: Sendable {
  /// The descriptor, which is readable from a signal until the signal is cleared. It is for a thread that
  /// waits for other descriptors as well.
  package let descriptor: Int32

  /// Makes a wakeup without a signal.
  ///
  /// - Throws: the cause, if the system has no descriptor for it.
  package init() throws(Errno) {
    descriptor = cplatform_eventfd()
    guard descriptor >= 0 else { throw Errno(rawValue: -descriptor) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Wakes the thread. This may be called on any other thread, and never blocks.
  package func signal() {
    // `write` reads the eight bytes of the number, and keeps no pointer.
    var one: UInt64 = 1
    while unsafe write(descriptor, &one, MemoryLayout.size(ofValue: one)) < 0, errno == EINTR {}
  }

  /// Discards all signals so far.
  package func clear() { _ = takeSignals() }

  /// Waits for a signal since the last return, and clears it.
  package func wait() {
    while !takeSignals() {
      guard errno == EAGAIN else { return }
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // The count of 1 matches the one entry.
      _ = unsafe poll(&waited, 1, -1)
    }
  }

  /// Clears the signals and returns whether there were any; if not, `errno` has the reason.
  private func takeSignals() -> Bool {
    var count: UInt64 = 0
    var length: Int
    repeat {
      // The read is at most as long as `count`.
      length = unsafe read(descriptor, &count, MemoryLayout.size(ofValue: count))
    } while length < 0 && errno == EINTR
    return length > 0
  }
}
