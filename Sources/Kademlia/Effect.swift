/// An action that a node wants carried out. The shell carries effects out in their order, and reports the
/// outcome of those that have one.
package enum Effect: Sendable {
  case send(Message, to: Endpoint)
  /// Change the store, durably if the store is durable; then call `committed` with the same ID.
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

/// An event of a node's life that an operator may want to read about.
package enum Notice: Hashable, Sendable {
  /// The first join has ended; operations begin.
  case joined(contacts: Int)
  /// No bootstrap address answered, `attempt` times in a row. They are tried again after `retryAfter`.
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
  /// Most of the nodes that this node had do not answer: it reaches only so many of them.
  case cutOff(reached: Int, of: Int)
  /// Most of the nodes that this node had answer again, or those that do not no longer count.
  case reachesMajority(reached: Int, of: Int)
  /// A contact came back, or another part of the network was met.
  case merging(with: Peer)
}
