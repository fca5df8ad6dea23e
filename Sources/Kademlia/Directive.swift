/// An instruction from a job or an operation to the node, which carries directives out in order, in one loop.
enum Directive {
  /// Sends a query, whose events go to `owner`.
  case send(Query.Method, to: Endpoint, expecting: NodeID?, owner: QueryOwner)
  /// Pings a node because of another node's message. The ping is left out if the limit of such pings is
  /// reached, or if one for `charged` is under way.
  case tryPing(Peer, charged: NodeID, owner: QueryOwner)
  /// Begins a lookup of the node's own.
  case look(up: NodeID, FindOperation.Reason, width: Int?)
  /// Has `Join` look this node's own ID up.
  case lookUpSelf
  /// Has `Refresh` go through buckets, beginning with the first.
  case refresh(Range<Int>)
  /// Notes that a lookup crosses the ranges of buckets.
  case touch(ClosedRange<Int>)
  /// Asks for a change of the store.
  case commit(StoreChange, for: CommitTable.Owner)
  /// Keeps a version that this node should hold, on the terms on which it would take it from anybody.
  case keepIfNewer(Record)
  /// Gives a copy of a record to a node that has an older version or none.
  case sendCopy(Record, to: Peer, WriteToken)
  /// Enqueues a record whose holders must be checked.
  case replicate(RecordID, ReplicateOperation.Reason)
  /// Begins as many of the enqueued replications as the limit allows.
  case startReplications
  /// Tells `Replication` that some node has just made sure that the holders of a record have it.
  case noteLookedAfter(RecordID)
  /// Tells `Replication` that a put has stored a record at fewer than K nodes.
  case noteUnderreplicated(RecordID)
  /// Tells the job that began a lookup that the lookup has ended.
  indirect case endFind(FindOperation)
  /// Tells `Replication` that the lookup of a record's holders has ended.
  indirect case endReplication(ReplicateOperation)
  /// Tells `HandOff` that a contact has looked its own ID up: it has just started, or has met a part of the
  /// network that it did not know, and may have missed what was stored there meanwhile.
  case handleAnnouncement(of: Peer)
  /// Begins as many of the waiting operations as the limit allows.
  case startWaiting
  /// Replaces the bootstrap addresses.
  case setBootstrapAddresses([Endpoint])
  /// Asks the shell to look the bootstrap names up.
  case resolveBootstrap
  /// Notes that the first join has ended, so that operations begin.
  case joinEnded
  /// Notes that the neighbours of this node have given it what it should hold.
  case settled
  /// Tells `Join` that all contacts from before the start have answered or been given up.
  case rejoinSettled
  /// Gives an operation's lookup an answer that was held until its sender proved its identity.
  indirect case deliver(IdentityProofs.HeldAnswer)
  /// Tells an operation's lookup that a node is of no use to it.
  case failLookup(OperationID, at: NodeID)
  /// Reports the outcome of an operation to the shell.
  case finish(OperationID, Outcome)
  case notice(Notice)
  /// Adds to a counter.
  case count(WritableKeyPath<Counters, Int64>, Int64)
}
