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
    // The pointers to the sets are used only during the calls.
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    // A fault in the map of a store must reach its handler on every thread.
    unsafe sigdelset(&all, SIGSEGV)
    unsafe sigdelset(&all, SIGBUS)
    unsafe pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    // The box is retained once, and released once: by the thread, or here if there is no thread.
    let box = unsafe Unmanaged.passRetained(Box(body))
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        }
        return nil
      }, unsafe box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      throw Errno(rawValue: code)
    }
    return thread
  }
}
