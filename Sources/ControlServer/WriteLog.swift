import NodeTime

/// Decides which writes of clients are logged one by one: up to a hundred at once and ten a second. So an
/// auditor sees who changed what, and many writes do not flood the log. Suppressed writes are counted by
/// client.
struct WriteLog {
  /// The suppressed writes of a client.
  struct Suppressed: Hashable, Sendable {
    /// The client; nil for clients beyond `maxClients` and for unknown clients.
    let client: PeerCredentials?
    fileprivate(set) var count: Int
  }

  /// The time for which suppressed writes are counted before their number is logged.
  static let period: Duration = .seconds(10)
  /// The most clients that are counted separately.
  private static let maxClients = 64
  private static let rate = TokenBucket.Rate(10, burst: 10)

  private var bucket = TokenBucket()
  private var suppressed: [Suppressed] = []

  /// Counts a write.
  ///
  /// - Returns: true if it is to be logged by itself; false if it counts as suppressed.
  mutating func tryLog(_ now: Instant, _ client: PeerCredentials?) -> Bool {
    if bucket.take(now.nanoseconds, 1, at: Self.rate) { return true }
    let isKnown = suppressed.contains { $0.client == client }
    let counted = isKnown || suppressed.count < Self.maxClients ? client : nil
    if let index = suppressed.firstIndex(where: { $0.client == counted }) {
      suppressed[index].count += 1
    } else {
      suppressed.append(Suppressed(client: counted, count: 1))
    }
    return false
  }

  /// True if any writes were suppressed.
  var hasSuppressed: Bool { !suppressed.isEmpty }

  /// Takes the counts of the suppressed writes.
  mutating func takeSuppressed() -> [Suppressed] {
    defer { suppressed = [] }
    return suppressed
  }
}
