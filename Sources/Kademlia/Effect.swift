/// What a node wants done. The shell carries effects out in their order, and tells the node what
/// came of those that have an outcome.
package enum Effect: Sendable {
  case send(Message, to: Endpoint)
  /// Change the store, durably if it is; then call `committed` with the same ID.
  case commit(StoreChange, CommitID)
  /// Look the bootstrap names up, then call `bootstrapResolved`.
  case resolveBootstrap
  case finished(OperationID, Outcome)
  case notice(Notice)
}

/// Names one commit between the effect that asks for it and the event that ends it.
package struct CommitID: Hashable, Sendable {
  /// Counts up from 1; never used twice by one node.
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }
}

/// What an operator may want to read of a node's life.
package enum Notice: Hashable, Sendable {
  /// The first join has ended; operations begin.
  case joined(contacts: Int)
  /// No bootstrap address answered, for so many times in a row. They are tried again.
  case bootstrapUnanswered(attempt: Int, retryAfter: Duration)
  case contactAdded(Peer)
  case contactLost(Peer)
  /// A query to an address has failed: nobody answered within the RPC timeout.
  case unanswered(Query.Method, Endpoint)
  /// A node answered with a record that nobody can have signed or that does not belong there.
  case forgedRecord(Peer)
  /// A bootstrap address answers with this node's own ID, and is not this node.
  case duplicateID(at: Endpoint)
  /// The last contact has left: this node is alone.
  case isolated
  /// A contact came back, or another part of the network was met.
  case merging(with: Peer)
}
