import DequeModule
import NodeTime

/// Pings unknown senders of queries, to see whether they can be queried themselves, and contacts at addresses of
/// the other family that they seem to have.
///
/// The job also keeps the budget of all pings that other nodes can cause. Without a budget, a crowd of false
/// senders could make this node send as many pings as they send queries.
struct Verification: Job, ~Copyable {
  /// The nodes that were pinged within this budget lately, oldest first.
  private var recentPings: Deque<(peer: NodeID, time: Instant)> = []
  /// The addresses at which the IDs of contacts have shown up. A contact that is silent at its own is asked there.
  private var moves: [Peer] = []
  /// The second addresses that were pinged lately, oldest first.
  private var triedAddresses: Deque<(peer: Peer, time: Instant)> = []

  /// The most second addresses that are remembered.
  private static let rememberedAddresses = 256
  /// The time after which a second address that did not answer is pinged again.
  private static let addressInterval: Duration = .seconds(600)

  /// Handles a query from a node that is not a contact.
  ///
  /// - Parameter isProofWanted: whether the sender must prove its address even if the table has no use for
  ///   it.
  mutating func handleQuery(
    of peer: Peer, isProofWanted: Bool, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard isProofWanted || shared.table.hasUse(for: peer) else { return }
    // Whatever IDs are claimed at the address of a contact, the address is asked once who it is.
    let charged = shared.table.occupant(of: peer.endpoint) ?? peer.id
    out.append(.tryPing(peer, charged: charged, owner: .verification))
  }

  /// Handles a query of a contact's ID from another address. The contact may have moved there, and its own address is
  /// then dead; or another node uses its ID. Both addresses are asked: a valid proof from the new one moves the contact
  /// at once. Without a proof, the contact moves when it has not answered at its own address.
  mutating func handleMove(
    _ now: Instant, of contact: Contact, to source: Endpoint, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    guard tryPing(now, contact.id, shared) else { return }
    moves.removeAll { $0.id == contact.id }
    if moves.count >= shared.parameters.verifications { moves.removeFirst() }
    moves.append(Peer(id: contact.id, endpoint: source))
    for endpoint in [source, contact.endpoint] {
      out.append(.send(.ping, to: endpoint, expecting: contact.id, owner: .verification))
    }
  }

  /// Handles nodes that another one has named: contacts may be named at an address of a family in which this node
  /// knows none of them (BEP 32).
  mutating func handleNamed(
    _ now: Instant, _ nodes: [Peer], by source: Endpoint, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    for peer in nodes.prefix(Lookup.acceptedPerAnswer) {
      guard let contact = shared.table.contact(peer.id), shared.canSend(to: peer.endpoint, namedBy: source)
      else { continue }
      handleAddress(now, peer.endpoint, of: contact, shared, &out)
    }
  }

  /// Handles an address that a contact seems to have. If none is known in that family, the contact is pinged there.
  mutating func handleAddress(
    _ now: Instant, _ endpoint: Endpoint, of contact: Contact, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    guard contact.state == .good, !contact.families.contains(AddressFamilies(endpoint.address.family)),
      shared.canSend(to: endpoint)
    else { return }
    let peer = Peer(id: contact.id, endpoint: endpoint)
    while let oldest = triedAddresses.first, oldest.time + Self.addressInterval <= now {
      triedAddresses.removeFirst()
    }
    // A ping that the budget rules out may be sent the next time.
    guard !triedAddresses.contains(where: { $0.peer == peer }), mayPing(now, peer.id, shared) else { return }
    if triedAddresses.count >= Self.rememberedAddresses { triedAddresses.removeFirst() }
    triedAddresses.append((peer, now))
    out.append(.tryPing(peer, charged: peer.id, owner: .verification))
  }

  /// Spends the budget for one ping. The budget allows one ping to a node within the RPC timeout, and a
  /// limited number of pings at once.
  ///
  /// - Returns: whether the ping may be sent.
  mutating func tryPing(_ now: Instant, _ id: NodeID, _ shared: borrowing Shared) -> Bool {
    while let oldest = recentPings.first, oldest.time + shared.parameters.rpcTimeout <= now {
      recentPings.removeFirst()
    }
    guard mayPing(now, id, shared) else { return false }
    recentPings.append((id, now))
    return true
  }

  /// Returns whether the budget leaves room for a ping to a node.
  private func mayPing(_ now: Instant, _ id: NodeID, _ shared: borrowing Shared) -> Bool {
    var pings = 0
    for ping in recentPings where ping.time + shared.parameters.rpcTimeout > now {
      if ping.peer == id { return false }
      pings += 1
    }
    return pings < shared.parameters.verifications
  }

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Void, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch event.kind {
    // The place is free for another ping, so that a crowd of senders that do not answer blocks others only
    // briefly.
    case .late, .answered: recentPings.removeAll { $0.peer == event.query.peer }
    case .unresponsive, .forged, .refused: break
    case .replaced, .timedOut:
      guard let index = moves.firstIndex(where: { $0.id == event.query.peer }) else { return }
      let peer = moves.remove(at: index)
      guard event.query.endpoint != peer.endpoint else { return }
      out.append(.tryPing(peer, charged: peer.id, owner: .verification))
    }
  }
}
