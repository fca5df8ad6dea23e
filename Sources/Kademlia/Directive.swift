/// What a job wants done. The node carries directives out in their order, in one loop.
enum Directive {
  /// Sends a query, whose events go to `owner`.
  case send(Query.Method, to: Endpoint, expecting: NodeID?, owner: QueryOwner)
  /// Pings a node on somebody else's account, unless as many such pings are under way as may be, or one to
  /// `charged` is.
  case tryPing(Peer, charged: NodeID, owner: QueryOwner)
  /// Begins a lookup of the node's own.
  case look(up: NodeID, FindOperation.Reason, width: Int?)
  /// Has `Join` look this node's own ID up.
  case lookUpSelf
  /// Has `Refresh` go through buckets, and begins with the first.
  case refresh(Range<Int>)
  /// Notes that a lookup goes through the ranges of buckets.
  case touch(ClosedRange<Int>)
  /// Asks for a change of the store.
  case commit(StoreChange, for: CommitTable.Owner)
  /// Keeps a version that this node should hold, on the terms on which it would take it from anybody.
  case keepIfNewer(Record)
  /// Gives a copy of a record to a node that has an older version or none.
  case sendCopy(Record, to: Peer, WriteToken)
  /// Enqueues a record whose holders are to be looked after.
  case replicate(RecordID, ReplicateOperation.Reason)
  /// Begins as many of the enqueued replications as may run.
  case startReplications
  /// Tells `Replication` that somebody has just seen to it that the holders of a record have it.
  case noteLookedAfter(RecordID)
  /// Tells `Replication` that a put has stored a record at fewer than K nodes.
  case noteUnderreplicated(RecordID)
  /// Tells the job that began a lookup that it has ended.
  indirect case endFind(FindOperation)
  /// Tells `Replication` that the lookup of a record's holders has ended.
  indirect case endReplication(ReplicateOperation)
  /// Begins as many of the waiting operations as may run.
  case startWaiting
  /// Takes the bootstrap addresses in place of the former.
  case setBootstrapAddresses([Endpoint])
  /// Asks the shell to look the bootstrap names up.
  case resolveBootstrap
  /// Notes that the first join has ended: operations begin.
  case joinEnded
  /// Tells `Join` that all contacts from before the start have answered or are past waiting for.
  case rejoinSettled
  /// Gives an operation's lookup an answer that waited for its sender to prove its identity.
  indirect case deliver(IdentityProofs.HeldAnswer)
  /// Tells an operation's lookup that a node is of no use to it.
  case failLookup(OperationID, at: NodeID)
  /// Tells the shell the outcome of an operation.
  case finish(OperationID, Outcome)
  case notice(Notice)
  /// Adds to a counter.
  case count(WritableKeyPath<Counters, Int64>, Int64)
}
