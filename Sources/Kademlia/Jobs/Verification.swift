import DequeModule
import NodeTime

/// Pings the senders of queries that are no contacts, to see whether they can be queried themselves.
///
/// It also keeps the budget of all pings that a node sends on somebody else's account: without one, a crowd
/// of false senders would have it send as many pings as they do.
struct Verification: Job, ~Copyable {
  /// The nodes that were pinged on somebody else's account lately, oldest first.
  private var recentPings: Deque<(peer: NodeID, time: Instant)> = []

  /// A node that is no contact has sent a query.
  ///
  /// - Parameter isProofWanted: whether its address has to be proven, whatever use there is for it.
  mutating func handleQuery(
    of peer: Peer, isProofWanted: Bool, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard isProofWanted || shared.table.hasUse(for: peer) else { return }
    // Whatever IDs are claimed at the address of a contact, it is asked once who it is.
    let charged = shared.table.occupant(of: peer.endpoint) ?? peer.id
    out.append(.tryPing(peer, charged: charged, owner: .verification))
  }

  /// Spends the budget for one ping: one to a node within the time that the answer may take, and not too many
  /// at once.
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
    // It makes room for another, so that a crowd of senders that do not answer keeps nobody out for long.
    case .late, .answered: recentPings.removeAll { $0.peer == event.query.peer }
    case .unresponsive, .forged, .refused, .replaced, .timedOut: break
    }
  }
}
