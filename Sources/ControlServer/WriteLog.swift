import NodeTime

/// Which writes of clients are told one by one, so that an auditor finds who has changed what and a load of
/// writes does not drown all else: a hundred at once and ten a second, and of the others how many there were
/// of each client.
struct WriteLog {
  /// Writes that were not told one by one.
  struct Untold: Hashable, Sendable {
    /// Whose they are; nil for those of clients beyond `mostClients`, or that are not known.
    let client: PeerCredentials?
    fileprivate(set) var count: Int
  }

  /// For how long they are counted before they are told.
  static let period: Duration = .seconds(10)
  /// As many clients are counted each by itself.
  private static let mostClients = 64
  private static let rate = TokenBucket.Rate(10, burst: 10)

  private var bucket = TokenBucket()
  private var untold: [Untold] = []

  /// Notes a write.
  ///
  /// - Returns: whether it is to be told by itself; it is counted if not.
  mutating func note(_ now: Instant, _ client: PeerCredentials?) -> Bool {
    if bucket.take(now.nanoseconds, 1, at: Self.rate) { return true }
    let isKnown = untold.contains { $0.client == client }
    let counted = isKnown || untold.count < Self.mostClients ? client : nil
    if let index = untold.firstIndex(where: { $0.client == counted }) {
      untold[index].count += 1
    } else {
      untold.append(Untold(client: counted, count: 1))
    }
    return false
  }

  /// Whether some were not told.
  var hasUntold: Bool { !untold.isEmpty }

  /// Takes what was counted.
  mutating func takeUntold() -> [Untold] {
    defer { untold = [] }
    return untold
  }
}
