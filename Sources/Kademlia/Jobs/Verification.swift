import DequeModule
import NodeTime

/// Pings unknown senders of queries, to see whether they can be queried themselves.
///
/// The job also keeps the budget of all pings that other nodes can cause. Without a budget, a crowd of false
/// senders could make this node send as many pings as they send queries.
struct Verification: Job, ~Copyable {
  /// The nodes that were pinged within this budget lately, oldest first.
  private var recentPings: Deque<(peer: NodeID, time: Instant)> = []

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

  /// Spends the budget for one ping. The budget allows one ping to a node within the RPC timeout, and a
  /// limited number of pings at once.
  ///
  /// - Returns: whether the ping may be sent.
  mutating func tryPing(_ now: Instant, _ id: NodeID, _ shared: borrowing Shared) -> Bool {
    while let oldest = recentPings.first, oldest.time + shared.parameters.rpcTimeout <= now {
      recentPings.removeFirst()
    }
    guard recentPings.count < shared.parameters.verifications,
      !recentPings.contains(where: { $0.peer == id })
    else { return false }
    recentPings.append((id, now))
    return true
  }

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Void, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch event.kind {
    // The place is free for another ping, so that a crowd of senders that do not answer blocks others only
    // briefly.
    case .late, .answered: recentPings.removeAll { $0.peer == event.query.peer }
    case .unresponsive, .forged, .refused, .replaced, .timedOut: break
    }
  }
}
