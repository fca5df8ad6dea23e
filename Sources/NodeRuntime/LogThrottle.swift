import NodeTime

/// Limits how often a message that other nodes can cause is logged, and counts the suppressed ones.
struct LogThrottle {
  private let period: Duration
  private var lastLogged: Instant?
  private var suppressed = 0

  /// - Parameter period: after a message is logged, further ones are suppressed for this long.
  init(period: Duration) {
    self.period = period
  }

  /// Logs a message if the throttle allows it, and counts it as suppressed if not.
  ///
  /// - Returns: the number of messages suppressed since the last one that was logged; nil if this message is
  ///   suppressed.
  mutating func tryLog(_ now: Instant) -> Int? {
    if let lastLogged, now.since(lastLogged) <= period {
      suppressed += 1
      return nil
    }
    defer { suppressed = 0 }
    lastLogged = now
    return suppressed
  }
}
