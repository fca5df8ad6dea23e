import Kademlia

/// How many keys may be derived for sessions that nobody has heard of: whoever sends datagrams with
/// salts that it makes up costs us so many a second and no more.
struct Attempts: Sendable {
  /// 1,000: half a percent of a processor, and enough for all nodes of a network that starts at once.
  static let perSecond: Int64 = 1_000

  /// In nanoseconds of waiting, so that nothing is lost to rounding.
  private var saved: Int64 = 1_000_000_000
  private var last: Instant?

  /// Takes one attempt if there is one.
  mutating func take(at now: Instant) -> Bool {
    let passed = last.map { now.since($0).nanoseconds } ?? 0
    saved = min(1_000_000_000, saved + min(max(0, passed), 1_000_000_000))
    last = now
    let price = 1_000_000_000 / Self.perSecond
    guard saved >= price else { return false }
    saved -= price
    return true
  }
}
