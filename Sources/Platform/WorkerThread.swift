package import Glibc
package import SystemPackage

/// Starts threads that block signals. Signals are for the threads that expect them.
package enum WorkerThread {
  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a thread.
  ///
  /// - Returns: the thread, to be joined or detached.
  /// - Throws: the cause, if the system cannot start a thread.
  package static func start(_ body: @escaping @Sendable () -> Void) throws(Errno) -> pthread_t {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    // A fault in the map of a store must reach its handler on every thread.
    sigdelset(&all, SIGSEGV)
    sigdelset(&all, SIGBUS)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      box.release()
      throw Errno(rawValue: code)
    }
    return thread
  }
}
