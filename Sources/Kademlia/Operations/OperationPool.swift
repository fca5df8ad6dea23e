import NodeTime

/// The operations of a node, from their start to their outcome, and the state that outlives them: the copies
/// that reads have fetched, the repairs that they have sent, and the records that late holders of a put still
/// get.
///
/// Operations receive the events of their queries and answer with directives, as jobs do.
struct OperationPool: ~Copyable {
  private var gets = SlotTable<GetOperation>()
  private var puts = SlotTable<PutOperation>()
  private var finds = SlotTable<FindOperation>()
  private var replications = SlotTable<ReplicateOperation>()
  /// Operations that wait for the join, or for others to end.
  private var queue = FairQueue()
  /// The users' operations that run. The node's own upkeep does not take their places.
  private(set) var active = 0
  private var lastNumber: UInt64 = 0
  /// Decides which of several equal holders a read asks.
  private var random: JobRandom
  private var repairs: ReadRepairs
  private var stragglers = Stragglers()
  private(set) var fetched: FetchedRecords
  private var sizeEstimate = SizeEstimate()

  init(_ parameters: Parameters, seed: UInt64) {
    random = JobRandom(seed: seed, .reads)
    repairs = ReadRepairs(interval: parameters.repairInterval, capacity: parameters.rememberedRepairs)
    fetched = FetchedRecords(capacity: parameters.cachedRecords, maxBytes: parameters.cachedBytes)
  }

  mutating func adopt(_ parameters: Parameters) {
    repairs.interval = parameters.repairInterval
    fetched.capacity = parameters.cachedRecords
    fetched.maxBytes = parameters.cachedBytes
  }

  // MARK: - Counts

  /// Users' operations that wait.
  var waiting: Int { queue.count }

  /// Operations that run, including those of the node's own upkeep.
  var running: Int { gets.count + puts.count + finds.count + replications.count - queue.count }

  /// Puts that have ended and still wait for nodes that would be replicas if they answered.
  var putsWithStragglers: Int { stragglers.count }

  /// The lookups of all operations, including those that wait.
  var lookups: [Lookup] {
    gets.all.map(\.lookup) + puts.all.map(\.lookup) + finds.all.map(\.lookup) + replications.all.map(\.lookup)
  }

  /// The purpose of a find; nil for any other operation.
  func reason(ofFind id: OperationID) -> FindOperation.Reason? { finds.elements[finds.index(of: id)]?.reason }

  // MARK: - Starting

  /// Makes an ID for an operation that has no lookup.
  mutating func makeRequestID() -> OperationID {
    lastNumber += 1
    return OperationID(.request, number: lastNumber, slot: 0)
  }

  /// Returns a copy of a record that was read lately.
  ///
  /// - Parameter maxAge: the greatest accepted age, in seconds. 0 accepts no copy.
  func copy(_ now: Now, of id: RecordID, maxAge: Int64) -> (record: Record, age: Duration)? {
    fetched.copy(now, of: id, maxAge: maxAge)
  }

  /// Drops the copy of a record that is about to change.
  mutating func forget(_ id: RecordID) { fetched.remove(id) }

  /// Drops the copy of a record, unless it is the same version as the one that is about to be stored here.
  mutating func forget(replacedBy record: Record) { fetched.remove(replacedBy: record) }

  mutating func begin(
    _ now: Now, _ get: GetOperation, for client: ClientID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit(shared)
    return try start(now, gets.insert(get, .get, number: lastNumber + 1), for: client, shared, &out)
  }

  mutating func begin(
    _ now: Now, _ put: PutOperation, for client: ClientID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit(shared)
    return try start(now, puts.insert(put, .put, number: lastNumber + 1), for: client, shared, &out)
  }

  mutating func begin(
    _ now: Now, _ find: FindOperation, for client: ClientID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit(shared)
    return try start(now, finds.insert(find, .find, number: lastNumber + 1), for: client, shared, &out)
  }

  /// Begins a lookup of the node's own, which need not wait.
  mutating func find(
    _ now: Now, _ target: NodeID, _ reason: FindOperation.Reason, width: Int?, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    let find = FindOperation(shared.makeLookup(of: target, width: width), reason)
    lastNumber += 1
    guard let id = finds.insert(find, .find, number: lastNumber) else { return }
    run(now, id, shared, &out)
  }

  /// Begins to replicate or republish a record on the node's own account.
  mutating func replicate(
    _ now: Now, _ record: Record, _ reason: ReplicateOperation.Reason, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    let replication = ReplicateOperation(shared.makeLookup(of: record.target), record, reason)
    lastNumber += 1
    guard let id = replications.insert(replication, .replicate, number: lastNumber) else { return }
    run(now, id, shared, &out)
  }

  private func mayRun(_ shared: borrowing Shared) -> Bool {
    shared.isJoined && active < shared.parameters.activeOperations
  }

  private func refuseAboveLimit(_ shared: borrowing Shared) throws(OperationRefusal) {
    let limit = shared.parameters.waitingOperations
    guard mayRun(shared) || queue.count < limit else { throw .busy(limit: limit) }
  }

  private mutating func start(
    _ now: Now, _ inserted: OperationID?, for client: ClientID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) throws(OperationRefusal) -> OperationID {
    guard let id = inserted else { throw .busy(limit: OperationID.mostSlots) }
    lastNumber += 1
    if mayRun(shared) {
      active += 1
      run(now, id, shared, &out)
    } else {
      queue.append(id, of: client)
    }
    return id
  }

  /// Begins as many of the waiting operations as the limit allows.
  mutating func startWaiting(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    while mayRun(shared), let next = queue.popFirst() {
      active += 1
      run(now, next, shared, &out)
    }
  }

  /// Drops the waiting reads of a client that has left. They end without an outcome.
  ///
  /// - Returns: the dropped operations.
  mutating func dropReads(of client: ClientID) -> [OperationID] {
    let dropped = queue.dropReads(of: client)
    for id in dropped {
      _ = gets.remove(id)
      _ = finds.remove(id)
    }
    return dropped
  }

  private mutating func run(
    _ now: Now, _ id: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    out.append(.count(\.lookups, 1))
    switch id.kind {
    case .get:
      Self.prepare(&gets.elements[gets.index(of: id)], &random, shared)
      Self.seed(&gets.elements[gets.index(of: id)], now, shared, &out)
    case .put:
      // A value that reaches no honest node is never found again. In a small network a node knows many of the
      // right nodes from the start.
      if sizeEstimate.nodes(shared.table) > shared.parameters.largeNetwork {
        puts.elements[puts.index(of: id)]?.lookup.split(into: shared.parameters.disjointPaths)
      }
      Self.seed(&puts.elements[puts.index(of: id)], now, shared, &out)
    case .find: Self.seed(&finds.elements[finds.index(of: id)], now, shared, &out)
    case .replicate: Self.seed(&replications.elements[replications.index(of: id)], now, shared, &out)
    case .request: break
    }
    carryOn(now, id, shared, &out)
  }

  // MARK: - Progress

  /// Asks the next nodes of a lookup, and completes the operation if it has ended.
  private mutating func carryOn(
    _ now: Now, _ id: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch id.kind {
    case .get:
      Self.search(&gets.elements[gets.index(of: id)], as: id, now, &sizeEstimate, shared, &out)
      guard let outcome = gets.elements[gets.index(of: id)]?.outcome(shared.standing, k: shared.parameters.k),
        let get = gets.remove(id)
      else {
        return
      }
      if let current = get.current {
        repairs.repair(now.monotonic, current, after: get.lookup, local: shared.id, &out)
      }
      switch outcome {
      case .found(let record): fetched.insert(now.monotonic, record)
      case .unconfirmed, .unreachable:
        // The nodes whose votes are missing may have come back. The next read should know.
        for peer in get.lookup.unaskedMembers {
          out.append(.tryPing(peer, charged: peer.id, owner: .liveness))
        }
      case .cached, .notFound: break
      }
      complete(id, get.isTraced ? .tracedGet(outcome, LookupOutcome(get.lookup)) : .get(outcome), &out)
    case .put:
      Self.search(&puts.elements[puts.index(of: id)], as: id, now, &sizeEstimate, shared, &out)
      guard let outcome = puts.elements[puts.index(of: id)]?.store(now, as: id, shared, &out),
        let put = puts.remove(id)
      else {
        return
      }
      fetched.remove(put.id)
      if outcome.verdict == .stored { handleStored(put, outcome, as: id, shared.parameters, &out) }
      complete(id, .put(outcome), &out)
    case .find:
      Self.search(&finds.elements[finds.index(of: id)], as: id, now, &sizeEstimate, shared, &out)
      guard finds.elements[finds.index(of: id)]?.lookup.isFinished == true, let find = finds.remove(id) else {
        return
      }
      switch find.reason {
      case .user, .inspect: complete(id, .lookup(LookupOutcome(find.lookup)), &out)
      case .join, .refresh, .announce: out.append(.endFind(find))
      }
    case .replicate:
      Self.search(
        &replications.elements[replications.index(of: id)], as: id, now, &sizeEstimate, shared, &out)
      guard replications.elements[replications.index(of: id)]?.lookup.isFinished == true,
        let replication = replications.remove(id)
      else {
        return
      }
      out.append(.endReplication(replication))
    case .request: break
    }
  }

  private mutating func complete(_ id: OperationID, _ outcome: Outcome, _ out: inout [Directive]) {
    active -= 1
    out.append(.finish(id, outcome))
    out.append(.startWaiting)
  }

  private mutating func handleStored(
    _ put: PutOperation, _ outcome: PutOutcome, as id: OperationID, _ parameters: Parameters,
    _ out: inout [Directive]
  ) {
    // Nobody else gets the value of a put that failed.
    let late = put.stragglers
    if case .storing(let record, _) = put.phase { stragglers.add(late, of: id, record) }
    out.append(.noteLookedAfter(put.id))
    if outcome.replicas < parameters.k { out.append(.noteUnderreplicated(put.id)) }
  }

  // MARK: - Events of the queries

  /// Handles an answer to a query of an operation.
  mutating func handleAnswer(
    _ now: Now, _ response: Response, from peer: Peer, after roundTrip: Duration, of id: OperationID,
    _ step: OperationQuery, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch step {
    case .lookup:
      switch id.kind {
      case .get:
        Self.handleAnswer(
          &gets.elements[gets.index(of: id)], response, from: peer, after: roundTrip, now, shared)
      case .put:
        guard puts.contains(id) else { return stragglers.handleAnswer(response, from: peer, of: id, &out) }
        Self.handleAnswer(
          &puts.elements[puts.index(of: id)], response, from: peer, after: roundTrip, now, shared)
      case .find:
        Self.handleAnswer(
          &finds.elements[finds.index(of: id)], response, from: peer, after: roundTrip, now, shared)
      case .replicate:
        Self.handleAnswer(
          &replications.elements[replications.index(of: id)], response, from: peer, after: roundTrip, now,
          shared)
      case .request: return
      }
    case .store: puts.elements[puts.index(of: id)]?.handleStoreAnswer(response, from: peer.id)
    case .token: puts.elements[puts.index(of: id)]?.handleToken(response.token, from: peer, as: id, &out)
    case .refusal(let error):
      puts.elements[puts.index(of: id)]?.handleExplanation(response.held, of: error, by: peer.id)
    }
    carryOn(now, id, shared, &out)
  }

  /// Handles any other event of a query of an operation.
  mutating func handle(
    _ now: Now, _ kind: QueryEvent.Kind, _ peer: NodeID, of id: OperationID, _ step: OperationQuery,
    _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch (step, kind) {
    case (.lookup, .late): updateLookup(id) { $0.handleSoftTimeout(peer) }
    case (.lookup, .unresponsive): updateLookup(id) { $0.handleSecondTimeout(peer) }
    case (.lookup, _): return failLookup(now, id, at: peer, shared, &out)
    case (.store, .unresponsive), (.token, .unresponsive):
      puts.elements[puts.index(of: id)]?.handleSecondTimeout(of: peer)
    case (.store, .timedOut), (.token, .timedOut):
      puts.elements[puts.index(of: id)]?.handleFailure(
        of: peer, .unanswered(after: shared.parameters.rpcTimeout))
    case (.store, .replaced), (.token, .replaced):
      puts.elements[puts.index(of: id)]?.handleFailure(of: peer, .replaced)
    case (.store, .forged), (.token, .forged):
      puts.elements[puts.index(of: id)]?.handleFailure(of: peer, .forgedRecord)
    case (.store, .refused(let error, let source)):
      puts.elements[puts.index(of: id)]?.handleStoreError(
        error, from: Peer(id: peer, endpoint: source), as: id, &out)
    case (.token, .refused(let error, _)):
      puts.elements[puts.index(of: id)]?.handleFailure(of: peer, .refused(error))
    case (.refusal, .late), (.refusal, .timedOut): return
    case (.refusal(let error), _):
      puts.elements[puts.index(of: id)]?.handleExplanation(nil, of: error, by: peer)
    case (.store, .late), (.store, .answered), (.token, .late), (.token, .answered): return
    }
    carryOn(now, id, shared, &out)
  }

  /// Handles a node that is of no use to a lookup: it refused, never answered, or has been replaced.
  mutating func failLookup(
    _ now: Now, _ id: OperationID, at peer: NodeID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    stragglers.drop(peer, of: id)
    updateLookup(id) { $0.failed(peer) }
    carryOn(now, id, shared, &out)
  }

  /// Handles a node that has answered in the place of another that a lookup asked.
  mutating func handleVerified(_ peer: Peer, in id: OperationID) {
    updateLookup(id) { $0.verified(peer) }
  }

  private mutating func updateLookup(_ id: OperationID, _ change: (inout Lookup) -> Void) {
    func apply<O: Operation>(_ operation: inout O?) {
      operation?.update(change)
    }
    switch id.kind {
    case .get: apply(&gets.elements[gets.index(of: id)])
    case .put: apply(&puts.elements[puts.index(of: id)])
    case .find: apply(&finds.elements[finds.index(of: id)])
    case .replicate: apply(&replications.elements[replications.index(of: id)])
    case .request: break
    }
  }

  // MARK: - Changes of this node's store

  /// Handles the result of storing the record of a put at this node.
  mutating func handleCommit(
    _ now: Now, _ result: Result<Int, StoreError>, of id: OperationID, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    switch result {
    case .success: puts.elements[puts.index(of: id)]?.handleConfirmation(by: shared.id)
    case .failure(let error):
      puts.elements[puts.index(of: id)]?.handleFailure(
        of: shared.id, .store(error), isOverSeq: error.isOverSeq)
    }
    carryOn(now, id, shared, &out)
  }

  /// Handles a change of this node's store that has taken as long as another node may take.
  mutating func handleOverdueCommit(
    _ now: Now, of id: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    puts.elements[puts.index(of: id)]?.handleFailure(
      of: shared.id, .unanswered(after: shared.parameters.rpcTimeout))
    carryOn(now, id, shared, &out)
  }

  /// Handles the end of a publication: the record is noted as published, or cannot be.
  mutating func handlePublication(
    _ now: Now, of id: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    puts.elements[puts.index(of: id)]?.handlePublication()
    carryOn(now, id, shared, &out)
  }

  // MARK: - Records and their signatures

  /// The salt of the record that an operation asks for; nil if the operation has ended.
  func salt(of id: OperationID) -> [UInt8]? {
    switch id.kind {
    case .get: gets.elements[gets.index(of: id)]?.salt
    case .put: puts.elements[puts.index(of: id)]?.salt
    case .find: finds.elements[finds.index(of: id)]?.salt
    case .replicate: replications.elements[replications.index(of: id)]?.salt
    case .request: nil
    }
  }

  /// Checks the signature of a record that a node has returned. Most nodes return the same record, so that it
  /// is checked once.
  mutating func checkSignature(of record: Record, for id: OperationID) -> Bool {
    func check<O: Operation>(_ operation: inout O?) -> Bool {
      if let known = operation?.authentic, known.binding == record.binding, known.isSameVersion(as: record) {
        return true
      }
      guard record.isAuthentic else { return false }
      operation?.authentic = record
      return true
    }
    switch id.kind {
    case .get: return check(&gets.elements[gets.index(of: id)])
    case .put: return check(&puts.elements[puts.index(of: id)])
    case .find: return check(&finds.elements[finds.index(of: id)])
    case .replicate: return check(&replications.elements[replications.index(of: id)])
    case .request: return record.isAuthentic
    }
  }
}
