import NodeTime

/// The schedule of attempts to meet another node: each pause is twice as long as the one before.
struct BackOff: Sendable {
  private var first: Duration
  private var longest: Duration
  private var pause: Duration
  /// The number of attempts in a row that met nobody.
  private(set) var attempts = 0
  /// The time of the next attempt; nil while none is planned.
  private(set) var nextAttempt: Instant?

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
    pause = first
  }

  /// Uses other pauses. A planned attempt is brought forward if the new longest pause ends before it.
  mutating func adopt(_ now: Instant, first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
    pause = min(max(pause, first), longest)
    if let planned = nextAttempt { nextAttempt = min(planned, now + longest) }
  }

  /// Plans the next attempt.
  ///
  /// - Returns: the pause before it.
  mutating func plan(_ now: Instant) -> Duration {
    attempts += 1
    let planned = pause
    nextAttempt = now + planned
    pause = min(pause * 2, longest)
    return planned
  }

  /// Begins an attempt if one is due.
  ///
  /// - Returns: whether one is.
  mutating func tryBegin(_ now: Instant) -> Bool {
    guard let attempt = nextAttempt, attempt <= now else { return false }
    nextAttempt = nil
    return true
  }

  /// Handles an attempt that met a node: the next series starts with the shortest pause.
  ///
  /// - Parameter hasMore: whether there is more to attempt. A planned attempt then stays, because new nodes,
  ///   each of which is a success, must not put it off.
  mutating func handleSuccess(_ now: Instant, hasMore: Bool) {
    nextAttempt = hasMore ? nextAttempt ?? now + longest : nil
    attempts = 0
    pause = first
  }

  /// Cancels the planned attempt and starts with the shortest pause again.
  mutating func reset() {
    nextAttempt = nil
    attempts = 0
    pause = first
  }
}
