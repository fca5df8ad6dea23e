import NodeTime

/// How many keys may be derived for sessions that nobody has heard of: whoever sends datagrams with
/// salts that it makes up costs us so many a second and no more.
struct DerivationLimiter: Sendable {
  /// 1,000: half a percent of a processor, and enough for all nodes of a network that starts at once.
  static let perSecond = 1_000

  private static let rate = TokenBucket.Rate(perSecond)
  private var bucket = TokenBucket()

  /// Takes one attempt if there is one.
  mutating func take(at now: Instant) -> Bool { bucket.take(now.nanoseconds, 1, at: Self.rate) }
}
