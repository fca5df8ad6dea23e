import NodeTime

/// Decides which writes of clients are logged one by one, so that an auditor finds who has changed what, and a load
/// of writes does not drown all else: a hundred at once and ten a second. The suppressed ones are counted for each
/// client.
struct WriteLog {
  /// The suppressed writes of a client.
  struct Suppressed: Hashable, Sendable {
    /// Whose they are; nil for those of clients beyond `mostClients`, or that are not known.
    let client: PeerCredentials?
    fileprivate(set) var count: Int
  }

  /// Suppressed writes are counted for this long before their number is logged.
  static let period: Duration = .seconds(10)
  /// As many clients are counted each by itself.
  private static let mostClients = 64
  private static let rate = TokenBucket.Rate(10, burst: 10)

  private var bucket = TokenBucket()
  private var suppressed: [Suppressed] = []

  /// Notes a write.
  ///
  /// - Returns: whether it is to be logged by itself; it is counted if not.
  mutating func note(_ now: Instant, _ client: PeerCredentials?) -> Bool {
    if bucket.take(now.nanoseconds, 1, at: Self.rate) { return true }
    let isKnown = suppressed.contains { $0.client == client }
    let counted = isKnown || suppressed.count < Self.mostClients ? client : nil
    if let index = suppressed.firstIndex(where: { $0.client == counted }) {
      suppressed[index].count += 1
    } else {
      suppressed.append(Suppressed(client: counted, count: 1))
    }
    return false
  }

  /// Whether any writes were suppressed.
  var hasSuppressed: Bool { !suppressed.isEmpty }

  /// Takes the counts of the suppressed writes.
  mutating func takeSuppressed() -> [Suppressed] {
    defer { suppressed = [] }
    return suppressed
  }
}
