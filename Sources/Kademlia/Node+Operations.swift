package import NodeTime
package import Signatures

/// Operations from their start to their outcome.
extension Node {
  // MARK: - What people ask for

  /// Stores a value at the K closest nodes.
  ///
  /// - Parameters:
  ///   - ttl: seconds that it lives; nil for the default.
  ///   - ifSeq: only if the current version has this seq; 0: only if there is none.
  ///   - client: who asks; where operations wait for others, the clients take turns.
  /// - Returns: the operation, whose outcome comes as an effect.
  package mutating func put(
    _ now: Now, key: [UInt8], value: [UInt8], ttl: Int64? = nil, ifSeq: Int64? = nil,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    try checkSize(key.count + value.count)
    return try place(
      now, .plain(key: key, value: value, isTombstone: false), expiry: try expiry(now, ttl), ifSeq: ifSeq,
      for: client)
  }

  /// Stores a value under its own hash.
  ///
  /// - Parameters:
  ///   - value: bencoded, canonically (BEP 44).
  ///   - ttl: as with any put, as is `client`.
  package mutating func put(
    _ now: Now, immutable value: [UInt8], ttl: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count)
    return try place(now, .immutable(value), expiry: try expiry(now, ttl), ifSeq: nil, for: client)
  }

  /// Stores a value that only the owner of a key can change. An empty byte string deletes.
  ///
  /// - Parameters:
  ///   - value: bencoded, canonically (BEP 44).
  ///   - salt: which of the records of that key, at most `SignedText.maxSalt` bytes.
  ///   - key: signs it, once the seq is known that it must have.
  ///   - ttl: as with any put, as are `ifSeq` and `client`.
  package mutating func put(
    _ now: Now, value: [UInt8], salt: [UInt8], signedBy key: SigningKey, ttl: Int64? = nil,
    ifSeq: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count, salt: salt.count)
    let draft = Placement.Draft.toSign(key, salt: salt, value: value)
    return try place(
      now, draft, expiry: draft.isTombstone ? tombstoneExpiry(now) : try expiry(now, ttl), ifSeq: ifSeq,
      for: client)
  }

  /// Stores a record that was signed elsewhere, with the seq that it was signed with.
  package mutating func put(
    _ now: Now, value: [UInt8], seq: Int64, authorship: Record.Authorship, ttl: Int64? = nil,
    ifSeq: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count, salt: authorship.salt.count)
    let expiry = value == SignedText.deletion ? tombstoneExpiry(now) : try expiry(now, ttl)
    let record = Record(signed: authorship, value: value, seq: seq, expiry: expiry)
    guard seq >= 0, record.isAuthentic else { throw .badSignature }
    return try place(now, .signed(record), expiry: expiry, ifSeq: ifSeq, for: client)
  }

  private func expiry(_ now: Now, _ ttl: Int64?) throws(OperationRefusal) -> Int64 {
    let ttl = ttl ?? shared.parameters.defaultTTL
    guard (1...parameters.maxTTL).contains(ttl) else {
      throw .ttlOutOfRange(limit: shared.parameters.maxTTL)
    }
    return now.wall.seconds + ttl
  }

  private func tombstoneExpiry(_ now: Now) -> Int64 { now.wall.seconds + shared.parameters.maxTTL }

  private func checkSize(_ size: Int, salt: Int = 0) throws(OperationRefusal) {
    guard size <= shared.parameters.maxPayload else {
      throw .tooLarge(size: size, limit: shared.parameters.maxPayload)
    }
    guard salt <= SignedText.maxSalt else { throw .saltTooLarge(size: salt, limit: SignedText.maxSalt) }
  }

  /// Deletes a key: puts a tombstone that outlives every older copy.
  package mutating func delete(
    _ now: Now, key: [UInt8], for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    try checkSize(key.count)
    return try place(
      now, .plain(key: key, value: [], isTombstone: true), expiry: tombstoneExpiry(now), ifSeq: nil,
      for: client)
  }

  private mutating func place(
    _ now: Now, _ draft: Placement.Draft, expiry: Int64, ifSeq: Int64?, for client: ClientID
  ) throws(OperationRefusal) -> OperationID {
    // Each put leaves changes with a store that hangs, whatever becomes of the put.
    guard shared.commits.count < shared.parameters.pendingCommits else {
      throw .busy(limit: shared.parameters.pendingCommits)
    }
    let placement = Placement(draft, expiry: expiry, ifSeq: ifSeq, draftSeq: now.wall.microseconds)
    fetched.remove(placement.id)
    return try begin(now, operation(placement.id.target, .put(placement)), for: client)
  }

  /// Reads the newest version of a plain key.
  package mutating func get(
    _ now: Now, key: [UInt8], maxAge: Int64 = 0, isTraced: Bool = false, isGuarded: Bool = false,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    return try get(
      now, .plain(key: key), maxAge: maxAge, isTraced: isTraced, isGuarded: isGuarded, for: client)
  }

  /// Reads the newest version of a record.
  ///
  /// - Parameters:
  ///   - maxAge: a copy that was read so many seconds ago is as good; 0: only what the network says.
  ///   - isTraced: whether the way to the answer is wanted, too.
  ///   - isGuarded: whether it takes disjoint paths, and waits for the end of all of them.
  package mutating func get(
    _ now: Now, _ name: RecordName, maxAge: Int64 = 0, isTraced: Bool = false, isGuarded: Bool = false,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    if case .signed(_, let salt) = name { try checkSize(0, salt: salt.count) }
    let id = name.id
    if let copy = fetched.copy(now, of: id, maxAge: maxAge) {
      let operation = newOperationID()
      let outcome = GetOutcome.cached(copy.record, age: copy.age)
      count(outcome)
      finish(operation, isTraced ? .tracedGet(outcome, LookupOutcome(noneFor: id.target)) : .get(outcome))
      return operation
    }
    let retrieval = Retrieval(name, id, isTraced: isTraced, isGuarded: isGuarded)
    return try begin(now, operation(id.target, .get(retrieval)), for: client)
  }

  /// Finds the nodes that should hold a key, and tells what each holds.
  package mutating func lookup(
    _ now: Now, key: [UInt8], for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    return try begin(
      now, operation(NodeID(sha1Of: key), .inspect(.plain(key: key))), for: client)
  }

  /// Finds the nodes closest to a target.
  package mutating func lookup(
    _ now: Now, _ target: NodeID, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try begin(now, operation(target, .locate(.user)), for: client)
  }

  /// Asks whoever is at an address for its ID.
  package mutating func ping(
    _ now: Now, _ endpoint: Endpoint
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit()
    let id = newOperationID()
    send(now, .ping, to: endpoint, expecting: nil, for: .ping(id))
    return id
  }

  /// Pings addresses and, if any node answers, finds the others through it.
  package mutating func bootstrap(
    _ now: Now, _ endpoints: [Endpoint]
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit()
    let id = newOperationID()
    let asked = Array(endpoints.prefix(shared.parameters.bootstrapAddresses))
    jobs.join.bootstrap(now.monotonic, asked, for: id, shared, &directives)
    carryOut(now)
    return id
  }

  /// A client is gone: what it only wanted to know, and waits in line, is not looked up any more. It ends
  /// without an outcome.
  ///
  /// - Returns: which operations these are.
  package mutating func clientLeft(_ client: ClientID) -> [OperationID] {
    line.dropReads(of: client)
  }

  private func refuseAboveLimit() throws(OperationRefusal) {
    guard queries.count < shared.parameters.inflightQueries else {
      throw .busy(limit: shared.parameters.inflightQueries)
    }
  }

  // MARK: - Starting and ending

  private mutating func newOperationID() -> OperationID {
    lastOperation += 1
    return OperationID(rawValue: lastOperation)
  }

  private mutating func operation(
    _ target: NodeID, _ task: Operation.Task, width: Int? = nil
  ) -> Operation {
    Operation(
      id: newOperationID(),
      lookup: Lookup(
        target: target, width: width ?? shared.parameters.k, alpha: shared.parameters.alpha, local: id,
        caps: shared.parameters.addressCaps),
      task: task)
  }

  /// How many disjoint paths an operation takes. Those that take several are chosen here and nowhere else:
  /// four cost a get twice the queries, for it waits for all of them, so that they are for what an adversary
  /// gains most by.
  private mutating func pathCount(of operation: Operation) -> Int {
    switch operation.task {
    case .get(let retrieval) where retrieval.isGuarded || retrieval.id.kind == .signed:
      shared.parameters.disjointPaths
    // Where a value goes to nobody honest, no get finds it ever again. In a small network a node knows many of
    // the nodes that should have it from the start.
    case .put where shared.estimateNetworkSize() > shared.parameters.largeNetwork:
      shared.parameters.disjointPaths
    case .locate, .inspect, .get, .put, .renew: 1
    }
  }

  /// Looks after a record of this node's own accord.
  mutating func renew(_ now: Now, _ record: Record, _ reason: Renewal.Reason) {
    run(now, operation(record.target, .renew(Renewal(record, reason))))
  }

  /// A lookup of the node's own, which waits for nothing.
  mutating func locate(
    _ now: Now, _ target: NodeID, _ reason: Operation.LocateReason, width: Int? = nil
  ) {
    run(now, operation(target, .locate(reason), width: width))
  }

  private mutating func begin(
    _ now: Now, _ operation: Operation, for client: ClientID
  ) throws(OperationRefusal) -> OperationID {
    guard shared.isJoined, activeOperations < shared.parameters.activeOperations else {
      guard line.count < shared.parameters.waitingOperations else {
        throw .busy(limit: shared.parameters.waitingOperations)
      }
      line.append(operation, of: client)
      return operation.id
    }
    activeOperations += 1
    run(now, operation)
    carryOut(now)
    return operation.id
  }

  /// Begins as many of the waiting operations as may run.
  mutating func startWaiting(_ now: Now) {
    while shared.isJoined, activeOperations < shared.parameters.activeOperations, let next = line.popFirst() {
      activeOperations += 1
      run(now, next)
    }
  }

  private mutating func run(_ now: Now, _ operation: Operation) {
    let target = operation.lookup.target
    shared.counters.lookups += 1
    shared.table.touched(now.monotonic, target)
    let paths = pathCount(of: operation)
    if paths > 1 { operation.lookup.split(into: paths) }
    if case .get(let retrieval) = operation.task {
      // All holders are asked where there are several paths.
      if paths == 1 { spreadReads(&operation.lookup) }
      retrieval.spares = sparesOfReads
      // What a put owes a node that may be alive, a read of others that hold the same does not.
      operation.lookup.passesOverDoubted = true
    }
    operation.lookup.seed(with: firstNodes(of: operation.lookup))
    if let kind = operation.kind {
      let held = held(now, target, kind, unlessNewerThan: nil)
      if let held { _ = operation.heard(held, now, parameters: shared.parameters) }
      operation.lookup.seed(withLocal: localPeer, answer: .init(held: held))
    } else if case .locate(.user) = operation.task {
      // Who asks for the closest nodes wants to know it if this is one of them.
      operation.lookup.seed(withLocal: localPeer, answer: .init())
    }
    operations[operation.id] = operation
    carryOn(now, operation.id)
  }

  /// Whom a lookup asks first.
  private func firstNodes(of lookup: Lookup) -> [Contact] {
    guard lookup.pathCount > 1 else {
      return shared.table.closest(to: lookup.target, count: shared.parameters.k)
    }
    // Each path needs one, and one more if that is dead.
    let wanted = max(shared.parameters.k, 2 * Int(lookup.pathCount))
    let elders = shared.table.elders(closestTo: lookup.target, count: wanted)
    return elders.count == wanted ? elders : shared.table.closest(to: lookup.target, count: wanted)
  }

  /// Tells the shell what came of something that is in no table any more.
  mutating func finish(_ operation: OperationID, _ outcome: Outcome) {
    effects.append(.finished(operation, outcome))
  }

  private mutating func complete(_ operation: OperationID, _ outcome: Outcome) {
    finish(operation, outcome)
    activeOperations -= 1
    directives.append(.startWaiting)
  }

  // MARK: - Carrying on

  mutating func updateLookup(
    _ now: Now, _ operation: OperationID, _ change: (inout Lookup) -> Void
  ) {
    guard let current = operations[operation] else { return }
    change(&current.lookup)
    carryOn(now, operation)
  }

  /// A node is of no use to a lookup: it refused, never answered, or is not there any more.
  mutating func lookupFailed(_ now: Now, _ operation: OperationID, at peer: NodeID) {
    stragglerSettled(operation, peer)
    updateLookup(now, operation) { $0.failed(peer) }
  }

  /// Asks whom the lookup wants asked, and ends what has come to its end.
  mutating func carryOn(_ now: Now, _ id: OperationID) {
    guard let operation = operations[id] else { return }
    search(now, operation)
    switch operation.task {
    case .locate(let reason):
      guard operation.lookup.isFinished else { return }
      operations[id] = nil
      if case .user = reason {
        complete(id, .lookup(LookupOutcome(operation.lookup)))
      } else {
        directives.append(.endLookup(operation))
      }
    case .inspect:
      guard operation.lookup.isFinished else { return }
      operations[id] = nil
      complete(id, .lookup(LookupOutcome(operation.lookup)))
    case .renew:
      guard operation.lookup.isFinished else { return }
      operations[id] = nil
      directives.append(.endLookup(operation))
    case .get(let retrieval):
      guard let outcome = outcome(of: retrieval, operation.lookup) else { return }
      operations[id] = nil
      if let current = retrieval.current { repair(now, current, after: operation.lookup) }
      count(outcome)
      if case .found(let record) = outcome { fetched.insert(now.monotonic, record) }
      complete(
        id,
        retrieval.isTraced
          ? .tracedGet(outcome, LookupOutcome(operation.lookup)) : .get(outcome))
    case .put(let placement):
      guard let outcome = store(now, placement, operation) else { return }
      operations[id] = nil
      fetched.remove(placement.id)
      if outcome.verdict == .stored {
        shared.counters.putsOK += 1
        // The value of a put that failed is given to nobody else.
        awaitStragglers(of: placement, operation)
        jobs.replication.noteLookedAfter(now.monotonic, placement.id)
        if outcome.replicas < shared.parameters.k {
          jobs.replication.noteUnderreplicated(placement.id, shared)
        }
      } else {
        shared.counters.putsFailed += 1
      }
      complete(id, .put(outcome))
    }
  }

  /// How many nodes more than must be heard a read asks: two, for the slowest of some nodes takes twice as
  /// long as most of them; none where no node is waited for any longer than a processor may keep it waiting.
  private var sparesOfReads: Int {
    let usual = shared.roundTrips.softTimeout ?? shared.parameters.softTimeoutUnknown
    return usual > shared.parameters.softTimeoutFloor ? 2 : 0
  }

  /// Lets a read ask any of the nodes that are likely to hold a record, and not the closest alone, so
  /// that the reads of one key are shared by all its holders. They lie about as far from its target as
  /// our own K closest contacts do from us.
  private mutating func spreadReads(_ lookup: inout Lookup) {
    let neighbours = shared.table.closest(to: id, count: shared.parameters.k)
    guard neighbours.count >= shared.parameters.k, let furthest = neighbours.last else {
      lookup.spread(within: .greatest, salt: readRandom.next())
      return
    }
    // Nodes lie unevenly. With twice the distance each holder of a hot key gets about as many reads as
    // the others, and no read takes more queries than where the closest node is always the next.
    lookup.spread(within: id.distance(to: furthest.id).doubled, salt: readRandom.next())
  }

  private mutating func search(_ now: Now, _ operation: Operation) {
    repeat {
      while let candidate = operation.next() {
        // Another lookup may have waited for it since this one heard of it.
        if !candidate.isDoubted, shared.knowledge(now.monotonic, of: candidate.peer.id).isDoubted {
          operation.lookup.doubt(candidate.peer.id)
          continue
        }
        send(
          now, operation.method, to: candidate.peer.endpoint, expecting: candidate.peer.id,
          for: .operation(operation.id, .lookup))
      }
    } while operation.lookup.isFinished && goesOn(operation)
  }

  /// Whether a lookup that has ended by itself goes on.
  private mutating func goesOn(_ operation: Operation) -> Bool {
    guard operation.lookup.isFull else {
      // Too few of those it began with are alive: everybody else we know, the doubtful ones too.
      return operation.lookup.seed(
        with: shared.table.closest(to: operation.lookup.target, count: Lookup.capacity) { _ in true })
    }
    guard operation.lookup.pathCount > 1, operation.isLocating else { return false }
    return operation.lookup.widenIfCrowded(among: shared.estimateNetworkSize(), k: shared.parameters.k)
  }

  mutating func lookupAnswered(
    _ now: Now, _ id: OperationID, _ peer: Peer, _ response: Response, after roundTrip: Duration
  ) {
    guard let operation = operations[id] else {
      stragglerAnswered(now, id, peer, response)
      return
    }
    let answer = answer(from: response, to: operation, now)
    operation.lookup.answered(peer.id, answer, nodes: response.nodes, after: roundTrip) { peer in
      shared.canSend(to: peer.endpoint) ? shared.knowledge(now.monotonic, of: peer.id) : nil
    }
    carryOn(now, id)
  }

  /// What an answer means to an operation's lookup; nil from a node that only routes for it.
  private func answer(
    from response: Response, to operation: Operation, _ now: Now
  ) -> Lookup.Answer? {
    guard let kind = operation.kind else { return Lookup.Answer() }
    // A node that will not store for us is no replica, and a reader must pass it over as the writer
    // did, or the two would not meet.
    guard let token = response.token, response.keeps(kind) else { return nil }
    if operation.isReplication, !response.isOfOurMake { return nil }
    let held = response.held.flatMap { operation.heard($0, now, parameters: shared.parameters) }
    return Lookup.Answer(token: token, held: held, isOfOurMake: response.isOfOurMake)
  }
}

extension Response {
  /// Whether the node that answered keeps records of a kind.
  func keeps(_ kind: RecordKind) -> Bool {
    switch kind {
    case .plain: keepsPlainRecords
    case .immutable, .signed: true
    }
  }

  /// Whether the node that answered is one like this: it alone knows of an expiry.
  var isOfOurMake: Bool { keepsPlainRecords }
}
