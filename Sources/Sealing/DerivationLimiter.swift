import NodeTime

/// Limits the keys that are derived for unknown sessions. An attacker who sends datagrams with random salts
/// costs at most this many derivations a second.
struct DerivationLimiter: Sendable {
  /// 1,000: half a percent of a processor, and enough for all nodes of a network that starts at once.
  static let perSecond = 1_000

  private static let rate = TokenBucket.Rate(perSecond)
  private var bucket = TokenBucket()

  /// Takes a derivation from the budget; returns false if there is none left.
  mutating func tryTake(at now: Instant) -> Bool { bucket.take(now.nanoseconds, 1, at: Self.rate) }
}
