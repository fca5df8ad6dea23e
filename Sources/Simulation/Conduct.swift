import Kademlia

/// How a host answers others, whatever its node would say.
package enum Conduct: String, Hashable, Sendable, CaseIterable {
  case honest
  /// It answers pings and lookups of nodes, and nothing that has to do with records.
  case drop
  /// It tells of nodes that do not exist, confirms what it is to store, and has nothing.
  case lie
  /// It tells of others of its kind only, the closest to the target first; confirms what it is to store,
  /// and has nothing.
  case collude
}

extension SimulatedNetwork {
  /// What a host that is not honest says instead of its node's answer to a query; nil: nothing at all.
  mutating func twisted(_ answer: Message, to query: Query, by host: SimulatedHost) -> Message? {
    guard case .response(var response) = answer.body else { return answer }
    switch (host.conduct, query.method) {
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

  /// A node that does not exist, closer to a target than any that does.
  private mutating func inventedPeer(near target: NodeID) -> Peer {
    let id = target.at(Distance.random(inBucket: 64, using: &random))
    // 240.0.0.0/4 is nobody's.
    let address = 0xF000_0000 | UInt32(truncatingIfNeeded: random.next()) >> 4
    return Peer(id: id, endpoint: Endpoint(.v4(address), port: 8001))
  }
}
