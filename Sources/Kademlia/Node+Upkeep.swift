/// Looking after records: what a holder replicates and a publisher republishes.
extension Node {
  /// Carries on with the rounds that are due.
  mutating func maintainRecords(_ now: Now) {
    for reason in upkeep.order() {
      let round: WritableKeyPath<Upkeep, UpkeepRound> =
        reason == .replicate ? \.replicate : \.republish
      if upkeep[keyPath: round].nextStep <= now.monotonic { step(now, round, reason) }
    }
    upkeep.dueThin(now.monotonic)
    beginRenewals(now)
    // It need not be noted: while a store hangs, what is to be done does not pile up.
    if let progress = upkeep.progressToNote(now.monotonic),
      shared.commits.count < shared.parameters.pendingCommits
    {
      commit(.noteProgress(progress), for: .nobody)
    }
  }

  /// One step of a round: tells which of the entries that it comes by are due.
  private mutating func step(
    _ now: Now, _ round: WritableKeyPath<Upkeep, UpkeepRound>, _ reason: Renewal.Reason
  ) {
    let count = entries(for: reason)
    if reason == .replicate { upkeep.log.reserve(count) }
    var due = upkeep[keyPath: round].step(
      now.monotonic, entries: count, interval: upkeep.interval(of: reason), most: Upkeep.visitsAtOnce)
    // Nobody to give anything to: the round goes on when there is.
    guard !shared.table.isEmpty else { return }
    while due > 0, upkeep.room > 0 {
      let wanted = min(due, upkeep.room)
      let page = page(for: reason, from: upkeep[keyPath: round].next, limit: wanted)
      for record in page {
        upkeep[keyPath: round].visited(record.id)
        guard !record.version.isExpired(at: now.wall) else { continue }
        if reason == .republish, let held = shared.records.stored(record.id)?.record, held.supersedes(record)
        {
          // Somebody has written since. As a holder of that this node may be asked about it by the other
          // holders all the time, and would never ask.
          commit(.withdraw(record.id, seq: record.version.seq), for: .nobody)
        } else if upkeep.isRecent(now.monotonic, record.id) {
          if reason == .replicate { shared.counters.replicationsSkipped += 1 }
        } else {
          upkeep.isDue(record.id, reason)
        }
      }
      due -= max(1, page.count)
      if page.count < wanted {
        upkeep[keyPath: round].reachedEnd()
        // A round begins with the next step, or a small store would be gone through twice in one.
        break
      }
    }
  }

  private func entries(for reason: Renewal.Reason) -> Int {
    switch reason {
    case .replicate: shared.records.usage.records
    case .republish: shared.records.usage.publications
    }
  }

  private func page(for reason: Renewal.Reason, from first: RecordID, limit: Int) -> [Record] {
    switch reason {
    case .replicate: shared.records.records(from: first, limit: limit).map(\.record)
    case .republish: shared.records.publications(from: first, limit: limit)
    }
  }

  mutating func beginRenewals(_ now: Now) {
    // One that ends at once comes back here: it leaves the rest to the loop that it was begun by.
    guard !isBeginningRenewals else { return }
    isBeginningRenewals = true
    defer { isBeginningRenewals = false }
    while let task = upkeep.next() {
      // It may have changed, or gone, while it waited.
      guard let record = record(of: task, now) else {
        upkeep.ended()
        continue
      }
      renew(now, record, task.reason)
    }
  }

  private func record(of task: Upkeep.Task, _ now: Now) -> Record? {
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

  /// The lookup of a renewal has ended: gives the newest version to those that lack it.
  mutating func renewed(_ now: Now, _ renewal: Renewal, _ lookup: Lookup) {
    // Newer versions of which nothing but the seq is told have expired and hide what is older, if most of
    // the nodes say so: the word of one is not enough to leave a record to its fate.
    let hiding = lookup.closest.count { ($0.held?.seq ?? 0) > renewal.newest.version.seq }
    let isHidden = hiding * 2 > lookup.closest.count
    switch renewal.reason {
    case .replicate: shared.counters.replications += 1
    case .republish:
      shared.counters.republications += 1
      // Somebody has written since: that version is theirs to look after.
      if isHidden || renewal.newest != renewal.record {
        commit(.withdraw(renewal.record.id, seq: renewal.record.version.seq), for: .nobody)
      }
    }
    upkeep.log.note(now.monotonic, renewal.record.id)
    if lookup.closest.count < shared.parameters.k { upkeep.isThin(renewal.record.id, renewal.reason) }
    if !isHidden { spread(now, renewal, lookup) }
    upkeep.ended()
    beginRenewals(now)
  }

  private mutating func spread(_ now: Now, _ renewal: Renewal, _ lookup: Lookup) {
    let newest = renewal.newest
    let closest = lookup.closest
    for candidate in closest where candidate.peer.id != id {
      // To a node of another make it is the publisher who comes, and it must be stored anew to live on.
      guard let answer = lookup.answer(of: candidate), let token = answer.token,
        !answer.isOfOurMake || answer.held?.isOlder(than: newest) ?? true
      else { continue }
      sendCopy(now, newest, to: candidate.peer, token: token)
    }
    let isHolder = shared.records.stored(newest.id) != nil || closest.contains { $0.peer.id == id }
    if isHolder { keepIfNewer(now, newest) }
  }

  mutating func sendCopy(_ now: Now, _ record: Record, to peer: Peer, token: WriteToken) {
    shared.counters.replicasSent += 1
    send(
      now, .put(record, token: token, cas: nil), to: peer.endpoint, expecting: peer.id, for: .repair)
  }

  /// Keeps a version that this node should hold, on the terms on which it would take it from anybody.
  mutating func keepIfNewer(_ now: Now, _ record: Record) {
    if let held = shared.records.stored(record.id) {
      guard case .kept = StoredRecord.deciding(held: held, arriving: record) else { return }
    }
    if refusal(now, record, nil) == nil, forgery(record) == nil { commit(.keep(record), for: .nobody) }
  }

  /// Another node has asked for a record with the seq that is held here: that is how a holder or the
  /// publisher looks after it, and one of us is enough.
  mutating func noteRenewal(_ now: Now, of id: RecordID, by query: Query, from source: Endpoint) {
    // A stranger's word would keep a record from being looked after.
    guard shared.table.contact(query.sender)?.isAt(source) == true else { return }
    upkeep.log.note(now.monotonic, id)
  }
}
