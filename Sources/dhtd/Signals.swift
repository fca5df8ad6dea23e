import Glibc

/// The signals that a running daemon handles.
///
/// All threads block the signals, and the main thread takes them one after the other. So a signal interrupts
/// nothing, and its handling may allocate and lock.
struct Signals: Sendable {
  /// An element for each SIGHUP. Several that arrive before the first is read count as one.
  let hangups: AsyncStream<Void>
  /// An element for each SIGTERM or SIGINT.
  let stops: AsyncStream<Void>
  private let hangup: AsyncStream<Void>.Continuation
  private let stop: AsyncStream<Void>.Continuation

  init() {
    (hangups, hangup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (stops, stop) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Blocks signals on this thread and on the threads that it starts later. They wait for `deliver`.
  ///
  /// Call it on the main thread before there are other threads. A thread with an open mask would take a
  /// signal, and the default action would end the process.
  static func block(_ signals: Int32...) {
    var set = Self.set(signals)
    // The system reads one set.
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Passes on each signal for as long as the process runs.
  func deliver() -> Never {
    var set = Self.set([SIGHUP, SIGTERM, SIGINT])
    while true {
      var signal: Int32 = 0
      // The system reads one set, and writes one number.
      guard unsafe sigwait(&set, &signal) == 0 else { continue }
      if signal == SIGHUP { hangup.yield() } else { stop.yield() }
    }
  }

  private static func set(_ signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    // Both functions write one set.
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    return set
  }
}
