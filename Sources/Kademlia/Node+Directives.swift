import NodeTime

/// The one loop that carries out the directives of jobs and operations.
extension Node {
  /// Carries out all directives in their order. Directives that result from others come last.
  mutating func carryOut(_ now: Now) {
    updateStanding(now.monotonic)
    guard !directives.isEmpty else { return }
    var next = 0
    while next < directives.count {
      let directive = directives[next]
      next += 1
      carryOut(now, directive)
    }
    directives.removeAll(keepingCapacity: true)
  }

  /// Sets the place of this node in its network, before operations judge what they have heard by it.
  mutating func updateStanding(_ now: Instant) {
    let reached = reachedContacts
    shared.reach.expire(now, reached: reached)
    let standing = shared.reach.standing(reached: reached, isConfigured: jobs.join.expectsOthers)
    guard standing != shared.standing else { return }
    let wasCutOff = shared.standing == .cutOff
    shared.standing = standing
    // Nobody can have anything for a node that is a network of its own.
    if standing == .onlyNode, shared.isJoined { shared.isNew = false }
    if standing == .cutOff {
      effects.append(.notice(.cutOff(reached: reached, of: reached + shared.reach.silentCount)))
    } else if wasCutOff, standing == .connected {
      effects.append(.notice(.reachesMajority(reached: reached, of: reached + shared.reach.silentCount)))
    }
  }

  /// The number of contacts that answer.
  private var reachedContacts: Int { shared.table.count - shared.table.failingCount }

  private mutating func carryOut(_ now: Now, _ directive: Directive) {
    switch directive {
    case .send(let method, let endpoint, let peer, let owner):
      send(now, method, to: endpoint, expecting: peer, for: owner)
    case .tryPing(let peer, let charged, let owner):
      guard jobs.verification.tryPing(now.monotonic, charged, shared) else { return }
      send(now, .ping, to: peer.endpoint, expecting: peer.id, for: owner)
    case .look(let target, let reason, let width):
      operations.find(now, target, reason, width: width, shared, &directives)
    case .lookUpSelf: jobs.join.lookUpSelf(now.monotonic, shared, &directives)
    case .refresh(let buckets): jobs.refresh.refresh(buckets, shared, &directives)
    case .touch(let buckets): shared.table.touched(now.monotonic, buckets: buckets)
    case .endFind(let find): handleEnd(of: find)
    case .endReplication(let replication): handleEnd(now, of: replication)
    case .replicate(let id, let reason):
      shared.replications.enqueue(ReplicationQueue.Task(id: id, reason: reason))
    case .startReplications: startReplications(now)
    case .noteLookedAfter(let id): jobs.replication.noteLookedAfter(now.monotonic, id)
    case .noteUnderreplicated(let id): jobs.replication.noteUnderreplicated(id, shared)
    case .handleAnnouncement(let peer): jobs.handOff.handleAnnouncement(now.monotonic, of: peer, shared)
    case .startWaiting: operations.startWaiting(now, shared, &directives)
    case .deliver(let answer):
      operations.handleAnswer(
        now, answer.response, from: answer.peer, after: answer.roundTrip, of: answer.operation, .lookup,
        shared, &directives)
    case .failLookup(let operation, let peer):
      operations.failLookup(now, operation, at: peer, shared, &directives)
    case .finish(let operation, let outcome): finish(operation, outcome)
    case .commit(let change, let owner): commit(now, change, for: owner)
    case .keepIfNewer(let record): keepIfNewer(now, record)
    case .sendCopy(let record, let peer, let token): sendCopy(now, record, to: peer, token: token)
    case .setBootstrapAddresses(let addresses): shared.bootstrapAddresses = addresses
    case .resolveBootstrap: effects.append(.resolveBootstrap)
    case .joinEnded:
      shared.isJoined = true
      effects.append(.notice(.joined(contacts: shared.table.count)))
      jobs.settling.handleJoin(now.monotonic, shared, &directives)
      operations.startWaiting(now, shared, &directives)
    case .settled: shared.isNew = false
    case .rejoinSettled: jobs.join.handleRejoinSettled(now.monotonic, shared, &directives)
    case .notice(let notice): effects.append(.notice(notice))
    case .count(let counter, let number): shared.counters[keyPath: counter] += number
    }
  }

  /// Asks for a change of the store. A put waits for its own change no longer than for another node: a disk
  /// that hangs must not hang a put that a majority has confirmed.
  mutating func commit(_ now: Now, _ change: StoreChange, for owner: CommitTable.Owner) {
    if case .keep(let record) = change { operations.forget(replacedBy: record) }
    let deadline = owner.isPut ? now.monotonic + shared.parameters.rpcTimeout : nil
    effects.append(.commit(change, shared.commits.add(for: owner, deadline: deadline)))
  }

  /// Reports the outcome of an operation to the shell, and counts it.
  mutating func finish(_ operation: OperationID, _ outcome: Outcome) {
    switch outcome {
    case .put(let put):
      if put.verdict == .stored { shared.counters.putsOK += 1 } else { shared.counters.putsFailed += 1 }
    case .get(let get), .tracedGet(let get, _): count(get)
    case .lookup, .ping, .bootstrap: break
    }
    effects.append(.finished(operation, outcome))
  }

  private mutating func count(_ outcome: GetOutcome) {
    switch outcome {
    case .found, .unconfirmed: shared.counters.getsOK += 1
    case .cached:
      shared.counters.getsOK += 1
      shared.counters.getsFromCache += 1
    case .notFound: shared.counters.getsNotFound += 1
    case .unreachable: shared.counters.getsFailed += 1
    }
  }

  private mutating func keepIfNewer(_ now: Now, _ record: Record) {
    if let held = shared.records.stored(record.id) {
      guard case .kept = StoredRecord.deciding(held: held, arriving: record) else { return }
    }
    // Nobody waits for this copy, and it comes again: while a store hangs, nothing piles up.
    guard shared.commits.count < shared.parameters.pendingCommits else { return }
    guard shared.validationError(now, record, nil) == nil, shared.signatureError(record) == nil else {
      return
    }
    commit(now, .keep(record), for: .nobody)
  }

  private mutating func sendCopy(_ now: Now, _ record: Record, to peer: Peer, token: WriteToken) {
    shared.counters.replicasSent += 1
    send(now, .put(record, token: token, cas: nil), to: peer.endpoint, expecting: peer.id, for: .copy)
  }

  // MARK: - Lookups of the node's own

  private mutating func handleEnd(of find: FindOperation) {
    switch find.reason {
    case .join: jobs.join.handleLookupEnd(find.lookup, shared, &directives)
    case .refresh: jobs.refresh.handleLookupEnd(shared, &directives)
    case .announce, .user, .inspect: break
    }
  }

  private mutating func handleEnd(_ now: Now, of replication: ReplicateOperation) {
    jobs.replication.handleEnd(now, of: replication, shared, &directives)
    shared.replications.handleEnd()
    directives.append(.startReplications)
  }

  private mutating func startReplications(_ now: Now) {
    while let task = shared.replications.popNext(shared.parameters) {
      // The record may have changed, or gone, while the task waited.
      if let record = record(of: task, now) {
        operations.replicate(now, record, task.reason, shared, &directives)
      } else {
        shared.replications.handleEnd()
      }
    }
  }

  private func record(of task: ReplicationQueue.Task, _ now: Now) -> Record? {
    switch task.reason {
    case .replicate:
      return shared.records.stored(task.id)?.live(at: now.wall)
    case .republish:
      guard let record = shared.records.publications(from: task.id, limit: 1).first, record.id == task.id,
        !record.version.isExpired(at: now.wall)
      else { return nil }
      return record
    }
  }
}
