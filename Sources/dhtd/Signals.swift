import Glibc

/// The signals that ask a running daemon for something.
///
/// All threads block them, and the main thread takes them one after the other. So a signal interrupts nothing,
/// and what is done about it may allocate and lock.
struct Signals: Sendable {
  /// One element for a SIGHUP. Several that come before the first is read are one.
  let hangups: AsyncStream<Void>
  /// One element for a SIGTERM or SIGINT.
  let stops: AsyncStream<Void>
  private let hangup: AsyncStream<Void>.Continuation
  private let stop: AsyncStream<Void>.Continuation

  init() {
    (hangups, hangup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (stops, stop) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Blocks signals on this thread and on those that it starts from now on. They wait for `deliver`.
  ///
  /// To be called on the main thread, before there are others: a thread with an open mask would take a signal,
  /// and its default action would end the process.
  static func block(_ signals: Int32...) {
    var set = Self.set(signals)
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Passes on each signal that comes, for as long as the process runs.
  func deliver() -> Never {
    var set = Self.set([SIGHUP, SIGTERM, SIGINT])
    while true {
      var signal: Int32 = 0
      guard sigwait(&set, &signal) == 0 else { continue }
      if signal == SIGHUP { hangup.yield() } else { stop.yield() }
    }
  }

  private static func set(_ signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }
}
