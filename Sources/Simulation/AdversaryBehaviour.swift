import Kademlia
import SeededRandom

/// How a host answers others, whatever its node would say.
package enum AdversaryBehaviour: String, Hashable, Sendable, CaseIterable {
  case honest
  /// It answers pings and lookups of nodes, and nothing that has to do with records.
  case drop
  /// It tells of nodes that do not exist, confirms what it is to store, and has nothing.
  case lie
  /// It tells of others of its kind only, the closest to the target first; confirms what it is to store,
  /// and has nothing.
  case collude
  /// It is whoever the asker takes it for. It tells of others of its kind under IDs right next to the target,
  /// the same ones as all of its kind do; confirms what it is to store, and has nothing.
  case claim
  /// The same, with IDs only so close together that they might be there by chance.
  case blend

  /// Whether it takes part with others of its kind.
  var isInConcert: Bool {
    switch self {
    case .honest, .drop, .lie: false
    case .collude, .claim, .blend: true
    }
  }
}

extension SimulatedNetwork {
  /// What a host that is not honest says instead of its node's answer to a query; nil: nothing at all.
  ///
  /// - Parameter asker: where the query came from.
  mutating func twisted(
    _ answer: Message, to query: Query, from asker: Endpoint, by host: SimulatedHost
  ) -> Message? {
    guard case .response(var response) = answer.body else { return answer }
    if host.conduct == .claim || host.conduct == .blend {
      response.sender = claimedID(answer, for: asker) ?? response.sender
    }
    switch (host.conduct, query.method) {
    case (.claim, .ping), (.claim, .put), (.blend, .ping), (.blend, .put): break
    case (.claim, .findNode(let target)), (.claim, .get(let target, _, _)):
      response.held = nil
      response.nodes = claims(near: target) { Distance(high: 0, middle: 0, low: UInt32($0)) }
    case (.blend, .findNode(let target)), (.blend, .get(let target, _, _)):
      response.held = nil
      // Twice as close together as honest ones.
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

  /// The ID that an asker expects an answer from: nothing else would be of use to whoever can be anybody.
  private func claimedID(_ answer: Message, for asker: Endpoint) -> NodeID? {
    guard let host = host(at: asker), let number = answer.transaction.number else { return nil }
    return hosts[host].withNode { $0.addressee(ofQuery: number) }
  }

  /// As many hosts that are anybody as an answer names, under IDs close to a target.
  ///
  /// - Parameter distance: of the first, the second and so on.
  private func claims(near target: NodeID, _ distance: (Int) -> Distance) -> [Peer] {
    guard colluders.count > 0 else { return [] }
    let first = Int(SplitMix64.mix(target.high) % UInt64(colluders.count))
    return (0..<min(configuration.parameters.k, colluders.count)).map { number in
      let id = target.at(distance(number + 1))
      let host = colluders[(first + number) % colluders.count]
      return Peer(id: id, endpoint: hosts[host].endpoint)
    }
  }

  /// A node that does not exist, closer to a target than any that does.
  private mutating func inventedPeer(near target: NodeID) -> Peer {
    let id = target.at(Distance.random(inBucket: 64, using: &random))
    // 240.0.0.0/4 is nobody's.
    let address = 0xF000_0000 | UInt32(truncatingIfNeeded: random.next()) >> 4
    return Peer(id: id, endpoint: Endpoint(.v4(address), port: 8001))
  }
}
