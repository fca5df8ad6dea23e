import NodeTime

/// The number of new keys that each source has brought lately, so that no source fills a store that has
/// little room left.
///
/// The counts are those of a count-min sketch (Cormode and Muthukrishnan 2005): each source adds to one
/// counter in each of two rows, and counts for the lesser of the two. The sketch is as large with a million
/// sources as with one. No source is forgotten, and none counts for less than it brought. A source counts for
/// more if others share both of its counters: to use up another's quota, sources must bring some million
/// keys.
struct SourceQuota: Sendable {
  /// The fullness of a store from which the quota applies, 0 to 1.
  static let pressure = 0.8
  /// The fullness from which keys are counted: most stores never reach it, and need no room for counters.
  private static let beginning = 0.5
  /// The least time for which a key counts; the most is twice this.
  private static let period: Duration = .seconds(3600)
  /// Counters of a row.
  private static let width = 4096

  /// Keys that a source may bring within a period.
  var limit: Int
  private let salt: UInt64
  /// The two rows one after the other, of this period and of the one before; none before they are needed.
  private var current: [UInt32] = []
  private var previous: [UInt32] = []
  private var periodEnd: Instant

  /// - Parameter salt: random bits, so that nobody can choose whose counters to share.
  init(_ now: Instant, limit: Int, salt: UInt64) {
    self.limit = limit
    self.salt = salt
    periodEnd = now + Self.period
  }

  /// Counts a key that is new here.
  ///
  /// - Parameter address: the source that brings it.
  /// - Returns: whether the quota of its source lets it be kept.
  mutating func tryAddKey(_ now: Instant, from address: IPAddress, fullness: Double) -> Bool {
    if current.isEmpty {
      guard fullness >= Self.beginning else { return true }
      current = Array(repeating: 0, count: 2 * Self.width)
      previous = current
    }
    if periodEnd <= now { beginPeriod(now) }
    let hash = SourceKey(address).hash(salt: salt)
    let first = Int(hash % UInt64(Self.width))
    let second = Self.width + Int((hash >> 32) % UInt64(Self.width))
    let count = min(count(first), count(second))
    guard fullness < Self.pressure || count < limit else { return false }
    current[first] &+= 1
    current[second] &+= 1
    return true
  }

  private func count(_ index: Int) -> Int { Int(current[index]) + Int(previous[index]) }

  private mutating func beginPeriod(_ now: Instant) {
    swap(&current, &previous)
    // Whatever was counted longer than two periods ago is forgotten.
    if now.since(periodEnd) >= Self.period { previous = Array(repeating: 0, count: 2 * Self.width) }
    current = Array(repeating: 0, count: 2 * Self.width)
    periodEnd = now + Self.period
  }
}
