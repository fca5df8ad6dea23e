import NodeTime

/// The one loop that carries out what jobs and operations want done.
extension Node {
  /// Carries all directives out in their order, those that follow from others at the end.
  mutating func carryOut(_ now: Now) {
    guard !directives.isEmpty else { return }
    var next = 0
    while next < directives.count {
      let directive = directives[next]
      next += 1
      carryOut(now, directive)
    }
    directives.removeAll(keepingCapacity: true)
  }

  private mutating func carryOut(_ now: Now, _ directive: Directive) {
    switch directive {
    case .send(let method, let endpoint, let peer, let owner):
      send(now, method, to: endpoint, expecting: peer, for: owner)
    case .tryPing(let peer, let charged, let owner):
      guard jobs.verification.tryPing(now.monotonic, charged, shared) else { return }
      send(now, .ping, to: peer.endpoint, expecting: peer.id, for: owner)
    case .look(let target, let reason, let width): locate(now, target, reason, width: width)
    case .lookUpSelf: jobs.join.lookUpSelf(now.monotonic, shared, &directives)
    case .refresh(let buckets): jobs.refresh.refresh(buckets, shared, &directives)
    case .touch(let buckets): shared.table.touched(now.monotonic, buckets: buckets)
    case .endLookup(let operation): endLookup(now, operation)
    case .renew(let id, let reason): shared.renewals.enqueue(RenewalQueue.Task(id: id, reason: reason))
    case .startRenewals: startRenewals(now)
    case .startWaiting: startWaiting(now)
    case .deliver(let answer):
      lookupAnswered(now, answer.operation, answer.peer, answer.response, after: answer.roundTrip)
    case .failLookup(let operation, let peer): lookupFailed(now, operation, at: peer)
    case .finish(let operation, let outcome): finish(operation, outcome)
    case .commit(let change, let owner): commit(change, for: owner)
    case .keepIfNewer(let record): keepIfNewer(now, record)
    case .sendCopy(let record, let peer, let token): sendCopy(now, record, to: peer, token: token)
    case .setBootstrapAddresses(let addresses): shared.bootstrapAddresses = addresses
    case .resolveBootstrap: effects.append(.resolveBootstrap)
    case .joinEnded:
      shared.isJoined = true
      effects.append(.notice(.joined(contacts: shared.table.count)))
      startWaiting(now)
    case .rejoinSettled: jobs.join.handleRejoinSettled(now.monotonic, shared, &directives)
    case .notice(let notice): effects.append(.notice(notice))
    case .count(let counter, let number): shared.counters[keyPath: counter] += number
    }
  }

  /// Asks for a change of the store.
  mutating func commit(_ change: StoreChange, for owner: CommitTable.Owner, deadline: Instant? = nil) {
    if case .keep(let record) = change { fetched.remove(record.id) }
    effects.append(.commit(change, shared.commits.add(for: owner, deadline: deadline)))
  }

  /// Asks for a change that a put waits for, no longer than it would for another node: a disk that hangs must
  /// not hang the put that a majority has confirmed.
  mutating func commit(_ now: Now, _ change: StoreChange, awaitedBy owner: CommitTable.Owner) {
    commit(change, for: owner, deadline: now.monotonic + shared.parameters.rpcTimeout)
  }

  private mutating func keepIfNewer(_ now: Now, _ record: Record) {
    if let held = shared.records.stored(record.id) {
      guard case .kept = StoredRecord.deciding(held: held, arriving: record) else { return }
    }
    if refusal(now, record, nil) == nil, signatureError(record) == nil { commit(.keep(record), for: .nobody) }
  }

  private mutating func sendCopy(_ now: Now, _ record: Record, to peer: Peer, token: WriteToken) {
    shared.counters.replicasSent += 1
    send(now, .put(record, token: token, cas: nil), to: peer.endpoint, expecting: peer.id, for: .copy)
  }

  // MARK: - Lookups of the node's own

  private mutating func endLookup(_ now: Now, _ operation: Operation) {
    switch operation.task {
    case .locate(.join): jobs.join.handleLookupEnd(operation.lookup, shared, &directives)
    case .locate(.refresh): jobs.refresh.handleLookupEnd(shared, &directives)
    case .renew(let renewal):
      jobs.replication.handleEnd(now, of: renewal, operation.lookup, shared, &directives)
      shared.renewals.handleEnd()
      directives.append(.startRenewals)
    case .locate(.announce), .locate(.user), .inspect, .get, .put: break
    }
  }

  private mutating func startRenewals(_ now: Now) {
    while let task = shared.renewals.popNext(shared.parameters) {
      // It may have changed, or gone, while it waited.
      if let record = record(of: task, now) {
        renew(now, record, task.reason)
      } else {
        shared.renewals.handleEnd()
      }
    }
  }

  private func record(of task: RenewalQueue.Task, _ now: Now) -> Record? {
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
