/// Addresses that are being pinged, and the nodes that answered there.
struct AddressRound: Sendable {
  private var waiting: [Endpoint]
  private(set) var met: [Peer] = []

  init(_ endpoints: [Endpoint]) {
    waiting = endpoints
  }

  /// True if each address has answered or been given up.
  var isSettled: Bool { waiting.isEmpty }

  /// Settles an address that has answered or been given up: once, however often it was asked.
  mutating func settle(_ endpoint: Endpoint, met peer: Peer?) {
    guard let index = waiting.firstIndex(of: endpoint) else { return }
    waiting.remove(at: index)
    if let peer { met.append(peer) }
  }
}
