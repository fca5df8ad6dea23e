/// The addresses of this node, as far as it knows: those that it is bound to, and the one at which most
/// others see it, which a wildcard address or a NAT hides from it.
struct OwnAddresses: Sendable {
  private let bound: [Endpoint]
  /// The addresses that others have reported lately with a valid proof, one for each of their subnets, the
  /// latest last: addresses of one subnet are cheap.
  private var voices: [(from: IPAddress, seen: Endpoint)] = []

  /// The most reports that are kept.
  private static let remembered = 32

  init(bound: [Endpoint]) {
    self.bound = bound
  }

  /// Handles a node's report of the address at which it sees this node.
  mutating func heard(_ seen: Endpoint, from source: IPAddress) {
    guard !bound.contains(seen) else { return }
    let subnet = source.subnet
    voices.removeAll { $0.from == subnet }
    voices.append((subnet, seen))
    if voices.count > Self.remembered { voices.removeFirst() }
  }

  /// Returns whether an address is this node's. It is if this node is bound to it. Otherwise, unless this
  /// node is bound to loopback alone, it is if most of the reports for its family name it, or if there are
  /// none.
  func contains(_ endpoint: Endpoint) -> Bool {
    if bound.contains(endpoint) { return true }
    // On loopback alone there is nothing between this node and the others.
    if !bound.isEmpty, bound.allSatisfy(\.address.isLoopback) { return false }
    let family = endpoint.address.family
    let others = voices.filter { $0.seen.address.family == family }
    return others.isEmpty || 2 * others.count { $0.seen == endpoint } > others.count
  }
}
