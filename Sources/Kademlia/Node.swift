import DequeModule
import Signatures

/// A Kademlia node as a value: events and the time go in, effects come out.
///
/// It does no I/O, reads no clock and draws randomness only from the source it was given; no
/// decision depends on the order of a hashed collection. So the same node runs under an event loop
/// and in simulated time, and the same events give the same effects.
///
/// A shell calls the methods that take `now`, carries out `takeEffects()` after each, and calls
/// `advance` when `nextDeadline` is reached.
package struct Node: ~Copyable {
  /// What a node starts from.
  package struct Identity: Sendable {
    /// The SHA-1 of its public key.
    package var id: NodeID
    /// The addresses it is bound to, the preferred one first.
    package var endpoints: [Endpoint]
    /// The families it can send to.
    package var families: AddressFamilies
    /// At least 16 random bytes that the write tokens of this run rest on.
    package var tokenSecret: [UInt8]
    /// The key whose public half the ID is the SHA-1 of; nil for a node that proves nothing.
    package var key: SigningKey?

    package init(
      id: NodeID, endpoints: [Endpoint], families: AddressFamilies, tokenSecret: [UInt8],
      key: SigningKey? = nil
    ) {
      self.key = key
      self.id = id
      self.endpoints = endpoints
      self.families = families
      self.tokenSecret = tokenSecret
    }
  }

  var shared: Shared

  var tokens: WriteTokenIssuer
  /// Decides which of several equal holders a read asks.
  var readRandom: JobRandom
  var effects: [Effect] = []

  var inflight: QueryTable
  var operations: [OperationID: Operation] = [:]
  /// Operations that wait for the join, or for others to end.
  var line = WaitingLine()
  var isRunningLine = false
  var lastOperation: UInt64 = 0
  /// People's operations among those that run: the node's own upkeep does not take their places.
  var activeOperations = 0
  var repairs: RepairLog
  /// Puts that ended while closer nodes than some that confirmed had not answered their lookup.
  var stragglers: [OperationID: (record: Record, waiting: [NodeID])] = [:]
  var maintenance: Maintenance
  var upkeep: Upkeep
  var isBeginningRenewals = false
  var handOffs: HandOffs
  var fetched: FetchedRecords
  var quota: SourceQuota
  var floods: FloodGuard
  var identities: Identities
  var bootstrap: Bootstrap
  var userBootstraps: [OperationID: Bootstrap.Round] = [:]

  package init(
    _ now: Now, identity: Identity, parameters: Parameters, records: any RecordReader,
    random: any RandomNumberGenerator & Sendable
  ) {
    self.shared = Shared(now.monotonic, identity: identity, parameters: parameters, records: records)
    var random = random
    let seed = random.next()
    self.upkeep = Upkeep(
      now.monotonic, parameters: parameters, progress: records.progress,
      random: JobRandom(seed: seed, .replication))
    self.readRandom = JobRandom(seed: seed, .reads)
    self.handOffs = HandOffs(interval: parameters.repairInterval)
    self.fetched = FetchedRecords(
      capacity: parameters.cachedRecords, maxBytes: parameters.cachedBytes)
    // Not drawn from the source of randomness: what a node with a given one does stays the same.
    let salt = Self.salt(from: identity.tokenSecret)
    self.quota = SourceQuota(now.monotonic, limit: parameters.keysPerSource, salt: salt)
    self.floods = FloodGuard(parameters.floods, salt: salt)
    self.identities = Identities(bound: identity.endpoints)
    self.tokens = WriteTokenIssuer(secret: identity.tokenSecret, epoch: parameters.tokenEpoch)
    self.inflight = QueryTable(rpcTimeout: parameters.rpcTimeout, random: random)
    self.repairs = RepairLog(
      interval: parameters.repairInterval, capacity: parameters.rememberedRepairs)
    self.maintenance = Maintenance(now.monotonic, parameters: parameters, seed: seed)
    self.bootstrap = Bootstrap(parameters: parameters)
  }

  /// What the node started from.
  package var identity: Identity { shared.identity }
  /// The parameters that the node works by.
  package var parameters: Parameters { shared.parameters }
  /// The contacts.
  package var table: RoutingTable { shared.table }
  /// The events counted since the start.
  package var counters: Counters { shared.counters }
  /// The round trips of all peers together: the expectation for a peer that was never timed.
  package var networkRoundTrip: RoundTrip { shared.roundTrips }

  /// This node's ID.
  package var id: NodeID { shared.identity.id }

  /// This node as its own contact.
  var localPeer: Peer {
    Peer(id: id, endpoint: shared.identity.endpoints.first ?? Endpoint(.v4(0), port: 0))
  }

  /// Operations that run or wait.
  package var pendingOperations: Int { activeOperations + line.count }

  /// Works by other numbers from now on. Those that the node is built on stay as they are: `k`, by
  /// which the network agrees on who holds a key, `tokenEpoch` and `joinTimeout`.
  package mutating func adopt(_ now: Now, _ new: Parameters) {
    var new = new
    new.k = shared.parameters.k
    new.tokenEpoch = shared.parameters.tokenEpoch
    new.joinTimeout = shared.parameters.joinTimeout
    shared.parameters = new
    shared.table.failuresBeforeRemoval = new.failuresBeforeRemoval
    shared.table.adopt(new.addressCaps)
    inflight.rpcTimeout = new.rpcTimeout
    repairs.interval = new.repairInterval
    maintenance.adopt(now.monotonic, new)
    upkeep.adopt(now.monotonic, new)
    handOffs.interval = new.repairInterval
    fetched.capacity = new.cachedRecords
    fetched.maxBytes = new.cachedBytes
    quota.limit = new.keysPerSource
    floods.adopt(new.floods)
    bootstrap.adopt(now.monotonic, new)
    // Where more may run at once, those that wait in line need not wait for one to end.
    runWaiting(now)
  }

  // MARK: - The shell's side

  /// Takes all effects since the last call, in their order.
  package mutating func takeEffects() -> [Effect] {
    defer { effects = [] }
    return effects
  }

  /// Takes all effects since the last call, and leaves an emptied array in their place: a shell that
  /// gives the same one back each time allocates none.
  ///
  /// - Returns: whether there are any.
  package mutating func exchangeEffects(for taken: inout [Effect]) -> Bool {
    taken.removeAll(keepingCapacity: true)
    swap(&effects, &taken)
    return !taken.isEmpty
  }

  /// Whether there is anything for the shell to do.
  package var hasEffects: Bool { !effects.isEmpty }

  /// When `advance` must be called next, if nothing else happens before.
  ///
  /// Asking for it forgets the deadlines of queries that were answered.
  package var nextDeadline: Instant {
    mutating get { findNextDeadline() }
  }

  private mutating func findNextDeadline() -> Instant {
    var next = min(maintenance.nextDeadline, upkeep.nextDeadline)
    if let handOff = handOffs.nextDeadline { next = min(next, handOff) }
    if let query = inflight.nextDeadline() { next = min(next, query) }
    if let attempt = bootstrap.nextDeadline { next = min(next, attempt) }
    if let commit = shared.commits.nextDeadline { next = min(next, commit) }
    return next
  }

  /// Time has passed: carries on with what is due.
  package mutating func advance(_ now: Now) {
    while let due = inflight.nextDue(now.monotonic) {
      switch due {
      case .late(let transaction, let query): isLate(now, transaction, query)
      case .silent(let query): fellSilent(now, query)
      case .failed(let query): hasFailed(now, query)
      }
    }
    giveUpCommits(now)
    carryOnBootstrap(now)
    maintain(now)
    maintainRecords(now)
    stepHandOff(now)
  }

  /// A message has come.
  package mutating func receive(_ now: Now, _ message: Message, from source: Endpoint) {
    switch message.body {
    case .query(let query):
      shared.counters.queriesReceived += 1
      answer(now, query, message.transaction, from: source)
    case .response(let response):
      receive(now, response, message.transaction, from: source)
    case .error(let error):
      receive(now, error, message.transaction, from: source)
    }
  }

  /// A commit that an effect asked for is done, or has failed.
  package mutating func committed(
    _ now: Now, _ commit: CommitID, _ result: Result<Int, StoreError>
  ) {
    guard let owner = shared.commits.remove(commit) else { return }
    switch owner {
    case .answer(let transaction, let endpoint, let seq):
      switch result {
      case .success:
        shared.counters.recordsStored += 1
        respond(to: endpoint, transaction, Response(sender: id, storedSeq: seq))
      case .failure(let error):
        shared.counters.recordsRefused += 1
        refuse(endpoint, transaction, RPCError(error))
      }
    case .placement(let operation):
      switch result {
      case .success: stored(now, operation, at: id)
      case .failure(let error):
        refusedStore(now, operation, at: id, reason: .store(error), overSeq: error.isOverSeq)
      }
    case .publication(let operation):
      if case .failure = result { shared.counters.publicationsFailed += 1 }
      published(now, operation)
    case .expiry(let limit):
      guard case .success(let count) = result else { return }
      shared.counters.recordsExpired += Int64(count)
      if count >= limit { maintenance.expiryGoesOn(now.monotonic) }
    case .nobody:
      break
    }
  }

  /// Asks for a change of the store.
  mutating func commit(_ change: StoreChange, for owner: CommitTable.Owner, deadline: Instant? = nil) {
    if case .keep(let record) = change { fetched.remove(record.id) }
    effects.append(.commit(change, shared.commits.add(for: owner, deadline: deadline)))
  }

  /// Asks for a change that a put waits for, no longer than it would for another node: a disk that hangs
  /// must not hang the put that a majority has confirmed.
  mutating func commit(_ now: Now, _ change: StoreChange, awaitedBy owner: CommitTable.Owner) {
    commit(change, for: owner, deadline: now.monotonic + shared.parameters.rpcTimeout)
  }

  private mutating func giveUpCommits(_ now: Now) {
    while let owner = shared.commits.nextOverdue(now.monotonic) {
      switch owner {
      case .placement(let operation):
        refusedStore(now, operation, at: id, reason: .unanswered(after: shared.parameters.rpcTimeout))
      case .publication(let operation):
        shared.counters.publicationsFailed += 1
        published(now, operation)
      case .answer, .expiry, .nobody: break
      }
    }
  }
}

extension RPCError {
  init(_ error: StoreError) {
    switch error {
    case .full, .diskFull: self.init(RPCError.storageFull, error.description)
    case .superseded: self.init(RPCError.seqTooOld, error.description)
    // What exactly failed is this node's own affair.
    case .failed: self.init(RPCError.server, "the store failed")
    }
  }

  var isOverSeq: Bool { code == RPCError.casMismatch || code == RPCError.seqTooOld }
}
