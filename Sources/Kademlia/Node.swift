package import NodeTime
package import Signatures

/// A Kademlia node as a value: events and the time go in, effects come out.
///
/// The node does no I/O, reads no clock and draws randomness only from the source it was given. No decision
/// depends on the order of a hashed collection. The same node therefore runs under an event loop and in
/// simulated time, and the same events give the same effects.
///
/// A shell calls the methods that take `now`, carries out `takeEffects()` after each, and calls `advance`
/// when `nextDeadline` is reached.
package struct Node: ~Copyable {
  /// The identity and the addresses that a node starts with.
  package struct Identity: Sendable {
    /// The SHA-1 of its public key.
    package var id: NodeID
    /// The addresses that the node is bound to, the preferred one first.
    package var endpoints: [Endpoint]
    /// The families that the node can send to.
    package var families: AddressFamilies
    /// At least 16 random bytes from which the write tokens of this run are derived.
    package var tokenSecret: [UInt8]
    /// The key whose public half has the ID as its SHA-1 hash; nil for a node that proves nothing.
    package var key: SigningKey?
    /// True if this node's answers tell askers their addresses. Nodes whose IDs depend on their addresses do so
    /// (BEP 42).
    package var tellsAddresses = false

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
  /// Directives of jobs and operations; empty outside of the methods that take `now`.
  var directives: [Directive] = []
  var effects: [Effect] = []
  var responder: Responder

  /// - Parameters:
  ///   - records: the node's read access to its store.
  ///   - random: the source of all random numbers. Transaction numbers and nonces come straight from it.
  ///   - encodedSize: returns the length of a message on the wire, in bytes.
  package init(
    _ now: Now, identity: Identity, parameters: Parameters, records: any RecordReader,
    random: any RandomNumberGenerator & Sendable, encodedSize: @escaping @Sendable (Message) -> Int
  ) {
    var random = random
    let seed = random.next()
    let shared = Shared(now.monotonic, identity: identity, parameters: parameters, records: records)
    jobs = Jobs(now.monotonic, shared, seed: seed)
    self.shared = shared
    queries = QueryTable(rpcTimeout: parameters.rpcTimeout, random: random)
    operations = OperationPool(parameters, seed: seed)
    responder = Responder(
      now.monotonic, secret: identity.tokenSecret, parameters, tellsAddresses: identity.tellsAddresses,
      encodedSize: encodedSize)
  }

  // MARK: - Life

  /// Begins to join, once the sockets are bound.
  ///
  /// - Parameters:
  ///   - hasBootstrap: whether there are bootstrap names that the shell can look up.
  ///   - isBootstrapForgotten: whether the user has said, before the start, that the nodes there are gone.
  ///   - remembered: contacts from before the start, the latest first. They count as lost contacts, which are
  ///     probed until they are found again or evicted by others.
  ///   - silent: nodes that had fallen silent before the start. They go on counting.
  package mutating func start(
    _ now: Now, hasBootstrap: Bool, isBootstrapForgotten: Bool = false, remembered: [Peer] = [],
    silent: [SilentNode] = []
  ) {
    var reachable: [Peer] = []
    for peer in remembered.prefix(shared.parameters.lostContacts)
    where peer.id != id && shared.canSend(to: peer.endpoint) {
      reachable.append(peer)
    }
    let lost = silent.filter { $0.peer.id != id && shared.canSend(to: $0.peer.endpoint) }
    jobs.partitionProbe.remember(reachable + lost.map(\.peer), shared)
    shared.reach.remember(now.monotonic, lost, shared.parameters.subnetLimits)
    // The contacts count until they answer, too: a node that restarts on the small side of a partition is cut off.
    shared.reach.remember(
      now.monotonic, reachable.map { SilentNode($0, for: .zero) }, shared.parameters.subnetLimits)
    jobs.handOff.start(now.monotonic)
    let asked = Array((reachable + lost.map(\.peer)).prefix(shared.parameters.lostContacts))
    jobs.rejoin.start(asked, &directives)
    jobs.join.start(
      now.monotonic, hasBootstrap: hasBootstrap, isForgotten: isBootstrapForgotten,
      isRejoining: !asked.isEmpty, shared, &directives)
    carryOut(now)
  }

  /// Handles a change of the bootstrap names: asks the shell to look the new ones up.
  package mutating func bootstrapChanged(_ now: Now, hasBootstrap: Bool) {
    jobs.join.bootstrapChanged(hasBootstrap: hasBootstrap, &directives)
    carryOut(now)
  }

  /// Handles the result of looking the bootstrap names up.
  ///
  /// - Parameters:
  ///   - endpoints: the addresses of the names that have any.
  ///   - unresolved: the number of names that have none at the moment.
  package mutating func bootstrapResolved(_ now: Now, _ endpoints: [Endpoint], unresolved: Int = 0) {
    jobs.join.bootstrapResolved(now.monotonic, endpoints, unresolved: unresolved, shared, &directives)
    carryOut(now)
  }

  /// Uses other parameters from now on. Some stay, because the node is built on them: `k`, by which the
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
    responder.adopt(new)
    for job in Jobs.Kind.allCases { jobs.tell(job, .parametersChanged, now, shared, &directives) }
    // If more operations may run at once, those that wait need not wait for one to end.
    directives.append(.startWaiting)
    carryOut(now)
  }

  // MARK: - Events

  /// Does everything that is due by now.
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

  /// The time at which `advance` must be called next, if nothing else happens before.
  ///
  /// Reading it discards the deadlines of queries that were answered.
  package var nextDeadline: Instant {
    mutating get {
      var next = jobs.nextDeadline ?? Instant(nanoseconds: .max)
      if let query = queries.nextDeadline() { next = min(next, query) }
      if let commit = shared.commits.nextDeadline { next = min(next, commit) }
      return next
    }
  }

  /// Handles the end of a commit that an effect asked for.
  package mutating func committed(
    _ now: Now, _ commit: CommitID, _ result: Result<Int, StoreError>
  ) {
    guard let owner = shared.commits.remove(commit) else { return }
    switch owner {
    case .answer(let transaction, let endpoint, let seq):
      responder.handleCommit(
        now.monotonic, result, of: transaction, from: endpoint, seq: seq, shared, &directives, &effects)
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

  /// Takes all effects since the last call, and leaves an empty array in their place. A shell that gives the
  /// same array back each time allocates none.
  ///
  /// - Returns: whether there are any effects.
  package mutating func exchangeEffects(for taken: inout [Effect]) -> Bool {
    taken.removeAll(keepingCapacity: true)
    swap(&effects, &taken)
    return !taken.isEmpty
  }

  /// True if there is anything for the shell to do.
  package var hasEffects: Bool { !effects.isEmpty }
}

extension RPCError {
  init(_ error: StoreError) {
    switch error {
    case .full, .diskFull: self.init(RPCError.storageFull, error.description)
    case .superseded: self.init(RPCError.seqTooOld, error.description)
    // The exact failure is this node's own affair.
    case .failed: self.init(RPCError.server, "the store failed")
    }
  }

  var isOverSeq: Bool { code == RPCError.casMismatch || code == RPCError.seqTooOld }
}
