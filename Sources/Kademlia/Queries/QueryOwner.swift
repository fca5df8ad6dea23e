/// Who sent a query: the events of the query go there.
///
/// A new job adds one case here and one row to `Jobs`.
enum QueryOwner: Sendable {
  /// An operation, and the step that it is at.
  case operation(OperationID, OperationQuery)
  /// A ping that a user asked for.
  case ping(OperationID)
  /// Nobody: a copy of a record goes to a node that has an older version or none.
  case copy
  case handOff(HandOff.Purpose)
  case identityProofs
  case join(Join.Purpose)
  case liveness
  case partitionProbe(PartitionProbe.Purpose)
  case rejoin
  case verification

  /// Whether a ping of this owner asks for a proof of identity: the pings by which nodes are met do.
  var wantsProof: Bool {
    switch self {
    case .identityProofs, .join, .rejoin, .verification, .partitionProbe(.ping): true
    default: false
    }
  }

  /// The operation whose lookup a query is a step of; nil for any other query.
  var lookup: OperationID? {
    if case .operation(let id, .lookup) = self { id } else { nil }
  }

  /// The operation that reads a record with a query; nil for any other query.
  var readingOperation: OperationID? {
    guard case .operation(let id, let step) = self else { return nil }
    switch step {
    case .lookup, .token, .refusal: return id
    case .store: return nil
    }
  }
}

/// A step of an operation that sends a query.
enum OperationQuery: Sendable {
  /// A step of its lookup.
  case lookup
  /// A store of its record.
  case store
  /// A request for a fresh token, after a holder refused the token that it gave.
  case token
  /// A request for the version that a holder refused the operation's record for.
  case refusal(RPCError)
}
