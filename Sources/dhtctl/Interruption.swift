import Glibc
import Synchronization

/// Ctrl-C and the like as something to be polled for, so that a command can still tell what it has done.
///
/// At most one at a time.
struct Interruption: ~Copyable {
  /// Where the handler writes to; a handler can be given nothing of its own.
  private static let writeEnd = Atomic<Int32>(-1)
  private static let signals = [SIGINT, SIGTERM]

  /// Readable once such a signal has come; negative where that cannot be had, and a signal ends the program.
  let descriptor: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0, let readEnd = ends.first, let writeEnd = ends.last else {
      descriptor = -1
      return
    }
    // A handler that waits for room in the pipe would wait for ever.
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    descriptor = readEnd
    Self.writeEnd.store(writeEnd, ordering: .sequentiallyConsistent)
    for each in Self.signals {
      signal(each) { _ in
        let code = errno
        var byte: UInt8 = 0
        _ = write(Interruption.writeEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
        errno = code
      }
    }
  }

  /// Lets a signal end the program again. A second one must not before the figures are out: timeout(1) sends
  /// it to the program and to its group.
  consuming func end() {}

  deinit {
    guard descriptor >= 0 else { return }
    for each in Self.signals { signal(each, SIG_DFL) }
    close(Self.writeEnd.exchange(-1, ordering: .sequentiallyConsistent))
    close(descriptor)
  }
}
