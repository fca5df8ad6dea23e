package import NodeTime

/// The reason why a query was sent. It separates the cost of users' operations from that of a node's own
/// upkeep.
package enum QueryCause: Hashable, Sendable {
  /// A user's operation, or an operation of any kind that has ended since.
  case operation(OperationID)
  /// Finding the network, and this node's place in it.
  case join
  /// A refresh of a bucket that no lookup has crossed.
  case refresh
  /// A check of a record's holders: replicate and republish.
  case renewal
  /// A copy of a record for a holder that has an older version or none.
  case repair
  /// Offers of records to a node that arrived or returned.
  case handOff
  /// A ping to the sender of a query, to see whether it can be queried itself.
  case verification
  /// A ping to a contact, to see whether it is alive.
  case liveness
  /// A ping to a bootstrap address or a lost contact.
  case probe
}

/// Access for studies of whole networks. It costs nothing while no study runs.
extension Node {
  /// The reason why the query with a transaction number was sent; nil if no such query waits for an answer.
  package func cause(ofQuery transaction: UInt32) -> QueryCause? {
    guard let owner = queries.owner(of: transaction) else { return nil }
    switch owner {
    case .operation(let id, .lookup):
      if id.kind == .replicate { return .renewal }
      switch operations.reason(ofFind: id) {
      case .join, .announce: return .join
      case .refresh: return .refresh
      case .user, .inspect, nil: return .operation(id)
      }
    case .operation(let id, _), .ping(let id), .join(.requested(let id)): return .operation(id)
    case .copy: return .repair
    case .handOff: return .handOff
    case .verification, .identityProofs: return .verification
    case .liveness: return .liveness
    case .partitionProbe: return .probe
    case .join(.bootstrap), .rejoin, .settling: return .join
    }
  }

  /// The node that should answer the query with a transaction number; nil if no such query waits, or any node
  /// may answer.
  package func addressee(ofQuery transaction: UInt32) -> NodeID? { queries.addressee(of: transaction) }

  /// Treats a node as one that has answered. A study can thus begin with a network that has run for long, and
  /// not with as many joins as there are nodes.
  ///
  /// - Parameters:
  ///   - time: the time at which it answered.
  ///   - roundTrip: the time that it took to answer.
  package mutating func acquaint(_ time: Instant, with peer: Peer, roundTrip: Duration) {
    _ = shared.table.answered(time, peer, roundTrip: roundTrip)
    shared.roundTrips.sample(roundTrip)
    shared.isNew = false
  }
}
