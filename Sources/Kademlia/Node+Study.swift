package import NodeTime

/// Why a query was sent: what the cost of people's operations and of a node's own upkeep is told apart by.
package enum QueryCause: Hashable, Sendable {
  /// An operation that people asked for, or one of any kind that has ended since.
  case operation(OperationID)
  /// Finding the network, and the own place in it.
  case join
  /// A bucket that saw no lookup.
  case refresh
  /// A record's holders are looked after: replicate and republish.
  case renewal
  /// A record goes to a holder that has an older version or none.
  case repair
  /// Records are offered to a node that came or came back.
  case handOff
  /// A node that queried us is asked whether it can be queried itself.
  case verification
  /// A contact is asked whether it still lives.
  case liveness
  /// A bootstrap address or a lost contact.
  case probe
}

/// What a study of whole networks asks of a node. It costs a node that nobody studies nothing.
extension Node {
  /// Why the query with a transaction number was sent; nil if none with that number waits for an answer.
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
    case .join(.bootstrap), .rejoin: return .join
    }
  }

  /// Who should answer the query with a transaction number; nil if none waits, or anybody may.
  package func addressee(ofQuery transaction: UInt32) -> NodeID? { queries.addressee(of: transaction) }

  /// Takes a node in as one that has answered: so a study begins with a network that has run for long,
  /// and not with as many joins as it has nodes.
  ///
  /// - Parameters:
  ///   - time: when it answered.
  ///   - roundTrip: how long it took.
  package mutating func acquaint(_ time: Instant, with peer: Peer, roundTrip: Duration) {
    _ = shared.table.answered(time, peer, roundTrip: roundTrip)
    shared.roundTrips.sample(roundTrip)
  }
}
