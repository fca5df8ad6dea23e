import Glibc

/// The terminal that a daemon was started from, if any.
///
/// For a service, SIGHUP requests a reload. For a program in a terminal, it says that the terminal is gone
/// and that the program should end.
struct Terminal {
  /// True if the process has a terminal and SIGHUP was not ignored at the start (nohup(1)).
  let isAttached: Bool

  /// Looks at the terminal of this process. Call it before SIGHUP is handled.
  init() {
    // The system writes one `sigaction`.
    var action = sigaction()
    unsafe sigaction(SIGHUP, nil, &action)
    // A handler is a pointer or null, which has the size of an `Int`.
    // Both kinds of handler share this memory. A signal that is ignored now was ignored before the start.
    let isIgnored =
      unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
    isAttached = Self.isThere && !isIgnored
  }

  /// True if the terminal was attached and is gone.
  var isGone: Bool { isAttached && !Self.isThere }

  private static var isThere: Bool {
    // The pointer to the path is used only during the call.
    let descriptor = unsafe open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }
}
