import NodeTime

/// How many new keys each source has brought lately, so that none fills a store that has little room
/// left.
///
/// The counts are those of a count-min sketch (Cormode and Muthukrishnan 2005): each source adds to one
/// counter in each of two rows, and counts for the lesser of the two. It is as large with a million sources
/// as with one, none is forgotten, and none counts for less than it brought. One counts for more where others
/// share both of its counters: to use up another's quota, sources must bring some million keys.
struct SourceQuota: Sendable {
  /// How full a store is before the quota counts, 0 to 1.
  static let pressure = 0.8
  /// How full it is before anything is counted: most stores never are, and need no room for it.
  private static let beginning = 0.5
  /// For how long a key counts at least; twice this is the most.
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
  /// - Parameter address: whoever brings it.
  /// - Returns: whether it may be kept, as far as its source goes.
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
