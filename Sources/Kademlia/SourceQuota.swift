/// How many new keys each source has brought lately, so that none fills a store that has little room
/// left.
struct SourceQuota: Sendable {
  /// How full a store is before the quota counts, 0 to 1.
  static let pressure = 0.8
  /// For how long a key counts at least; twice this is the most.
  private static let period: Duration = .seconds(3600)
  /// More sources at once share what is left for all of them.
  private static let capacity = 4096

  /// Keys that a source may bring within a period.
  var limit: Int
  private var current: [IPAddress: Int] = [:]
  private var previous: [IPAddress: Int] = [:]
  private var periodEnd: Instant

  init(_ now: Instant, limit: Int) {
    self.limit = limit
    periodEnd = now + Self.period
  }

  /// Counts a key that is new here.
  ///
  /// - Parameter address: whoever brings it; those on this machine have no limit.
  /// - Returns: whether it may be kept, as far as its source goes.
  mutating func permits(_ now: Instant, from address: IPAddress, fullness: Double) -> Bool {
    guard !address.isLoopback else { return true }
    if periodEnd <= now {
      // Whatever was counted longer than two periods ago is forgotten.
      previous = now.since(periodEnd) < Self.period ? current : [:]
      current = [:]
      periodEnd = now + Self.period
    }
    let source = address.network
    let count = (current[source] ?? 0) + (previous[source] ?? 0)
    guard fullness < Self.pressure || count < limit else { return false }
    if current[source] == nil, current.count >= Self.capacity { return fullness < Self.pressure }
    current[source, default: 0] += 1
    return true
  }
}

extension IPAddress {
  /// What one source has at its disposal: an IPv4 address, or an IPv6 network of 64 bits.
  fileprivate var network: IPAddress {
    switch self {
    case .v4: self
    case .v6(let high, _): .v6(high, 0)
    }
  }
}
