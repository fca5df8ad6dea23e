/// The sender of a query, which receives the events of the query.
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
  case settling
  case verification

  /// True if a ping of this owner asks for a proof of identity. Pings that find nodes do.
  var wantsProof: Bool {
    switch self {
    case .identityProofs, .join, .rejoin, .verification, .partitionProbe(.ping): true
    default: false
    }
  }

  /// True if the query checks an address that a contact may not have.
  var isVerification: Bool { if case .verification = self { true } else { false } }

  /// The operation whose lookup the query belongs to; nil for any other query.
  var lookup: OperationID? {
    if case .operation(let id, .lookup) = self { id } else { nil }
  }

  /// The operation that reads a record with the query; nil for any other query.
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
  /// A step of the operation's lookup.
  case lookup
  /// A store of the operation's record.
  case store
  /// A request for a fresh token, after a holder rejected its own token.
  case token
  /// A request for the newer version because of which a holder refused the operation's record.
  case refusal(RPCError)
}
