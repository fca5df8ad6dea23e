/// Where this node is, as far as it knows: the addresses that it is bound to, and the one that most others see
/// it at, which a wildcard or a NAT keeps from it.
struct OwnAddresses: Sendable {
  private let bound: [Endpoint]
  /// What others have said lately, one voice for each of their addresses, the latest last.
  private var voices: [(from: IPAddress, seen: Endpoint)] = []

  /// So many voices are heard.
  private static let remembered = 32

  init(bound: [Endpoint]) {
    self.bound = bound
  }

  /// A node says where it sees us.
  mutating func heard(_ seen: Endpoint, from source: IPAddress) {
    guard !bound.contains(seen) else { return }
    voices.removeAll { $0.from == source }
    voices.append((source, seen))
    if voices.count > Self.remembered { voices.removeFirst() }
  }

  /// Whether an address is this node's: it is bound to it, or no other is named by more.
  func contains(_ endpoint: Endpoint) -> Bool {
    if bound.contains(endpoint) { return true }
    let named = count(of: endpoint)
    return named > 0 && voices.allSatisfy { count(of: $0.seen) <= named || !$0.seen.isOfFamily(of: endpoint) }
  }

  private func count(of endpoint: Endpoint) -> Int { voices.count { $0.seen == endpoint } }
}

extension Endpoint {
  fileprivate func isOfFamily(of other: Endpoint) -> Bool { address.family == other.address.family }
}
