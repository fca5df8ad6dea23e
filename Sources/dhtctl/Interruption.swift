import Glibc
import Synchronization

/// Turns Ctrl-C and the like into an event for `poll`, so that a command can still print its results.
///
/// At most one exists at a time.
struct Interruption: ~Copyable {
  /// The write end of the pipe for the signal handler, which takes no argument.
  private static let writeEnd = Atomic<Int32>(-1)
  private static let signals = [SIGINT, SIGTERM]

  /// A descriptor that becomes readable at such a signal; negative if none is available, in which case a
  /// signal ends the program.
  let descriptor: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    // The system writes two descriptors.
    guard unsafe pipe(&ends) == 0, let readEnd = ends.first, let writeEnd = ends.last else {
      descriptor = -1
      return
    }
    // A handler that waits for room in the pipe would block for ever.
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    descriptor = readEnd
    Self.writeEnd.store(writeEnd, ordering: .sequentiallyConsistent)
    for each in Self.signals {
      signal(each) { _ in
        let code = errno
        var byte: UInt8 = 0
        // The system reads one byte.
        _ = unsafe write(Interruption.writeEnd.load(ordering: .sequentiallyConsistent), &byte, 1)
        errno = code
      }
    }
  }

  /// Lets a signal end the program again. Call it after the results are printed, because timeout(1) sends a
  /// second signal to the program through its group.
  consuming func end() {}

  deinit {
    guard descriptor >= 0 else { return }
    for each in Self.signals { signal(each, SIG_DFL) }
    close(Self.writeEnd.exchange(-1, ordering: .sequentiallyConsistent))
    close(descriptor)
  }
}
