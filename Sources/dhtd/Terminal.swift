import Glibc

/// The terminal that a daemon was started from, if it was.
///
/// SIGHUP asks a service for a reload. To what runs in a terminal it says, since there are terminals,
/// that this one is gone, and that the program should end with it.
struct Terminal {
  /// Whether there was one, and nobody has asked to outlive it (nohup(1)).
  let isAttached: Bool

  /// Looks at the terminal of this process. To be called before SIGHUP is handled.
  init() {
    var action = sigaction()
    sigaction(SIGHUP, nil, &action)
    // The two ways to name a handler share their place; what is ignored was so before the start.
    let isIgnored =
      unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
    isAttached = Self.isThere && !isIgnored
  }

  /// Whether it was there and is gone.
  var isGone: Bool { isAttached && !Self.isThere }

  private static var isThere: Bool {
    let descriptor = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }
}
