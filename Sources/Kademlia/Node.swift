package import NodeTime
package import Signatures

/// A Kademlia node as a value: events and the time go in, effects come out.
///
/// It does no I/O, reads no clock and draws randomness only from the source it was given; no decision depends
/// on the order of a hashed collection. So the same node runs under an event loop and in simulated time, and
/// the same events give the same effects.
///
/// A shell calls the methods that take `now`, carries out `takeEffects()` after each, and calls `advance` when
/// `nextDeadline` is reached.
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
  var queries: QueryTable
  var jobs: Jobs
  var operations: OperationPool
  /// What jobs and operations want done; empty outside of the methods that take `now`.
  var directives: [Directive] = []
  var effects: [Effect] = []

  var tokens: WriteTokenIssuer
  var quota: SourceQuota
  var floods: RateLimiter

  /// - Parameters:
  ///   - records: what the node reads of its store.
  ///   - random: the source of all that it draws. Transaction numbers and nonces come straight from it.
  package init(
    _ now: Now, identity: Identity, parameters: Parameters, records: any RecordReader,
    random: any RandomNumberGenerator & Sendable
  ) {
    var random = random
    let seed = random.next()
    let shared = Shared(now.monotonic, identity: identity, parameters: parameters, records: records)
    jobs = Jobs(now.monotonic, shared, seed: seed)
    self.shared = shared
    queries = QueryTable(rpcTimeout: parameters.rpcTimeout, random: random)
    operations = OperationPool(parameters, seed: seed)
    tokens = WriteTokenIssuer(secret: identity.tokenSecret, epoch: parameters.tokenEpoch)
    // Not drawn from the source of randomness: what a node with a given one does stays the same.
    let salt = Self.salt(from: identity.tokenSecret)
    quota = SourceQuota(now.monotonic, limit: parameters.keysPerSource, salt: salt)
    floods = RateLimiter(parameters.floods, salt: salt)
  }

  // MARK: - Life

  /// The sockets are bound: begins to join.
  ///
  /// - Parameters:
  ///   - hasBootstrap: whether there are bootstrap names to ask the shell for.
  ///   - remembered: contacts from before the start, the latest first. They count as lost contacts, which are
  ///     probed until they are found again or others have taken their places.
  package mutating func start(_ now: Now, hasBootstrap: Bool, remembered: [Peer] = []) {
    var reachable: [Peer] = []
    for peer in remembered.prefix(shared.parameters.lostContacts)
    where peer.id != id && shared.canSend(to: peer.endpoint) {
      reachable.append(peer)
    }
    jobs.partitionProbe.remember(reachable, shared)
    jobs.handOff.start(now.monotonic)
    jobs.rejoin.start(reachable, &directives)
    jobs.join.start(
      now.monotonic, hasBootstrap: hasBootstrap, isRejoining: !reachable.isEmpty, shared, &directives)
    carryOut(now)
  }

  /// There are other bootstrap names from now on: asks the shell to look them up.
  package mutating func bootstrapChanged(_ now: Now, hasBootstrap: Bool) {
    jobs.join.bootstrapChanged(hasBootstrap: hasBootstrap, &directives)
    carryOut(now)
  }

  /// The bootstrap names were looked up.
  ///
  /// - Parameters:
  ///   - endpoints: the addresses of those that have any.
  ///   - unresolved: how many have none at the moment.
  package mutating func bootstrapResolved(_ now: Now, _ endpoints: [Endpoint], unresolved: Int = 0) {
    jobs.join.bootstrapResolved(now.monotonic, endpoints, unresolved: unresolved, shared, &directives)
    carryOut(now)
  }

  /// Uses other parameters from now on. Those that the node is built on stay as they are: `k`, by which the
  /// network agrees on who holds a key, `tokenEpoch` and `joinTimeout`.
  package mutating func adopt(_ now: Now, _ parameters: Parameters) {
    var new = parameters
    new.k = shared.parameters.k
    new.tokenEpoch = shared.parameters.tokenEpoch
    new.joinTimeout = shared.parameters.joinTimeout
    shared.parameters = new
    shared.table.failuresBeforeRemoval = new.failuresBeforeRemoval
    shared.table.adopt(new.subnetLimits)
    queries.rpcTimeout = new.rpcTimeout
    operations.adopt(new)
    quota.limit = new.keysPerSource
    floods.adopt(new.floods)
    for job in Jobs.Kind.allCases { jobs.tell(job, .parametersChanged, now, shared, &directives) }
    // Where more may run at once, those that wait in line need not wait for one to end.
    directives.append(.startWaiting)
    carryOut(now)
  }

  // MARK: - Events

  /// Time has passed: carries on with what is due.
  package mutating func advance(_ now: Now) {
    while let due = queries.nextDue(now.monotonic) {
      switch due {
      case .late(let transaction, let query): handleLate(now, transaction, query)
      case .unresponsive(let query): handleUnresponsive(now, query)
      case .timedOut(let query): handleTimeout(now, query)
      }
      carryOut(now)
    }
    giveUpCommits(now)
    for job in Jobs.Kind.allCases {
      jobs.tell(job, .advance, now, shared, &directives)
      // The next job sees what this one has done.
      carryOut(now)
    }
  }

  /// When `advance` must be called next, if nothing else happens before.
  ///
  /// Asking for it forgets the deadlines of queries that were answered.
  package var nextDeadline: Instant {
    mutating get {
      var next = jobs.nextDeadline ?? Instant(nanoseconds: .max)
      if let query = queries.nextDeadline() { next = min(next, query) }
      if let commit = shared.commits.nextDeadline { next = min(next, commit) }
      return next
    }
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
    carryOut(now)
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
    case .put(let operation): operations.handleCommit(now, result, of: operation, shared, &directives)
    case .publication(let operation):
      if case .failure = result { shared.counters.publicationsFailed += 1 }
      operations.handlePublication(now, of: operation, shared, &directives)
    case .expiry(let limit):
      guard case .success(let count) = result else { return }
      jobs.expiry.handleCommit(now.monotonic, count: count, limit: limit, &directives)
    case .nobody:
      break
    }
    carryOut(now)
  }

  private mutating func giveUpCommits(_ now: Now) {
    while let owner = shared.commits.nextOverdue(now.monotonic) {
      switch owner {
      case .put(let operation): operations.handleOverdueCommit(now, of: operation, shared, &directives)
      case .publication(let operation):
        shared.counters.publicationsFailed += 1
        operations.handlePublication(now, of: operation, shared, &directives)
      case .answer, .expiry, .nobody: break
      }
    }
    carryOut(now)
  }

  // MARK: - Effects

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
