import NodeTime

/// When an attempt that met nobody is made again: each pause is twice as long as the one before.
struct BackOff: Sendable {
  private var first: Duration
  private var longest: Duration
  private var pause: Duration
  /// The attempts in a row that met nobody.
  private(set) var attempts = 0
  /// When the next attempt is due; nil while none is planned.
  private(set) var nextAttempt: Instant?

  init(first: Duration, longest: Duration) {
    self.first = first
    self.longest = longest
    pause = first
  }

  /// Uses other pauses. A planned attempt comes no later than they say.
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

  /// An attempt met somebody: the next series starts with the shortest pause.
  ///
  /// - Parameter hasMore: whether there is more to attempt. A planned attempt then stays: those who come, each
  ///   of whom is a success, must not put it off.
  mutating func handleSuccess(_ now: Instant, hasMore: Bool) {
    nextAttempt = hasMore ? nextAttempt ?? now + longest : nil
    attempts = 0
    pause = first
  }

  /// Plans nothing, and starts with the shortest pause again.
  mutating func reset() {
    nextAttempt = nil
    attempts = 0
    pause = first
  }
}
