import Kademlia
import SeededRandom

/// The way a host answers others, instead of its node's answers.
package enum AdversaryBehaviour: String, Hashable, Sendable, CaseIterable {
  case honest
  /// The host answers pings and lookups of nodes, but no queries about records.
  case drop
  /// The host returns nodes that do not exist, confirms stores, and stores nothing.
  case lie
  /// The host returns only other colluding hosts, the closest to the target first, confirms stores, and
  /// stores nothing.
  case collude
  /// The host claims any ID that is queried. It returns other hosts of its kind under IDs right next to the
  /// target, the same ones as all of its kind, confirms stores, and stores nothing.
  case claim
  /// Like `claim`, with IDs only so close together that this could be chance.
  case sparseClaim = "blend"

  /// True if the host colludes with others of its kind.
  var colludes: Bool {
    switch self {
    case .honest, .drop, .lie: false
    case .collude, .claim, .sparseClaim: true
    }
  }
}

extension SimulatedNetwork {
  /// The answer of a dishonest host to a query, instead of its node's answer; nil for none.
  ///
  /// - Parameter asker: the source of the query.
  mutating func adversarialAnswer(
    _ answer: Message, to query: Query, from asker: Endpoint, by host: SimulatedHost
  ) -> Message? {
    guard case .response(var response) = answer.body else { return answer }
    if host.behaviour == .claim || host.behaviour == .sparseClaim {
      response.sender = claimedID(answer, for: asker) ?? response.sender
    }
    switch (host.behaviour, query.method) {
    case (.claim, .ping), (.claim, .put), (.sparseClaim, .ping), (.sparseClaim, .put): break
    case (.claim, .findNode(let target)), (.claim, .get(let target, _, _)):
      response.held = nil
      response.nodes = claims(near: target) { Distance(high: 0, middle: 0, low: UInt32($0)) }
    case (.sparseClaim, .findNode(let target)), (.sparseClaim, .get(let target, _, _)):
      response.held = nil
      // Twice as close together as the IDs of honest hosts.
      let step = UInt64.max / UInt64(2 * hosts.count)
      response.nodes = claims(near: target) { Distance(high: step * UInt64($0), middle: 0, low: 0) }
    case (.honest, _), (_, .ping): return answer
    case (.drop, .findNode): return answer
    case (.drop, _): return nil
    case (.lie, .findNode(let target)), (.lie, .get(let target, _, _)):
      response.held = nil
      response.nodes = (0..<response.nodes.count).map { _ in inventedPeer(near: target) }
    case (.collude, .findNode(let target)), (.collude, .get(let target, _, _)):
      response.held = nil
      response.nodes = colluders.closest(to: target, count: configuration.parameters.k).map { hosts[$0].peer }
    case (.lie, .put), (.collude, .put): break
    }
    return Message(transaction: answer.transaction, body: .response(response))
  }

  /// The ID that the asker expects, which a host that claims any ID answers with.
  private func claimedID(_ answer: Message, for asker: Endpoint) -> NodeID? {
    guard let host = host(at: asker), let number = answer.transaction.number else { return nil }
    return hosts[host].withNode { $0.addressee(ofQuery: number) }
  }

  /// Hosts that claim IDs close to a target, as many as an answer holds.
  ///
  /// - Parameter distance: the distance of the first, the second and so on.
  private func claims(near target: NodeID, _ distance: (Int) -> Distance) -> [Peer] {
    guard colluders.count > 0 else { return [] }
    let first = Int(SplitMix64.mix(target.high) % UInt64(colluders.count))
    return (0..<min(configuration.parameters.k, colluders.count)).map { number in
      let id = target.at(distance(number + 1))
      let host = colluders[(first + number) % colluders.count]
      return Peer(id: id, endpoint: hosts[host].endpoint)
    }
  }

  /// A node that does not exist, closer to a target than any existing node.
  private mutating func inventedPeer(near target: NodeID) -> Peer {
    let id = target.at(Distance.random(inBucket: 64, using: &random))
    // No address plan reaches 192.0.0.0/4, and nodes ask public addresses there.
    let address = 0xC000_0000 | (UInt32(truncatingIfNeeded: random.next()) >> 4)
    return Peer(id: id, endpoint: Endpoint(.v4(address), port: 8001))
  }
}
