/// Where this node is, as far as it knows: the addresses that it is bound to, and the one that most others see
/// it at, which a wildcard or a NAT keeps from it.
struct OwnAddresses: Sendable {
  private let bound: [Endpoint]
  /// What others have said lately with a right proof, one voice for each of their subnets, the latest
  /// last: addresses of one subnet are cheap.
  private var voices: [(from: IPAddress, seen: Endpoint)] = []

  /// So many voices are heard.
  private static let remembered = 32

  init(bound: [Endpoint]) {
    self.bound = bound
  }

  /// A node says where it sees us.
  mutating func heard(_ seen: Endpoint, from source: IPAddress) {
    guard !bound.contains(seen) else { return }
    let subnet = source.subnet
    voices.removeAll { $0.from == subnet }
    voices.append((subnet, seen))
    if voices.count > Self.remembered { voices.removeFirst() }
  }

  /// Whether an address is this node's: it is bound to it; or to every address, or behind a NAT, and most of
  /// those that have named one of the family say so, or nobody has named any.
  func contains(_ endpoint: Endpoint) -> Bool {
    if bound.contains(endpoint) { return true }
    // Where it is bound to loopback alone there is nothing between it and the others.
    if !bound.isEmpty, bound.allSatisfy(\.address.isLoopback) { return false }
    let family = endpoint.address.family
    let others = voices.filter { $0.seen.address.family == family }
    return others.isEmpty || 2 * others.count { $0.seen == endpoint } > others.count
  }
}
