import NodeTime

/// Keeps records at their holders: replicates those that this node holds, and republishes those that its
/// users stored.
///
/// Each kind has a round over its table of the store. A record that is due goes to the queue of replications.
/// The lookup that takes it from there reports its result to this job.
struct Replication: Job, ~Copyable {
  private var replicate: UpkeepRound
  private var republish: UpkeepRound
  /// The records whose holders some node has checked lately.
  private var log: ReplicationLog
  private var underreplicated = UnderreplicatedRecords()
  private var isRepublishFirst = false
  private var noted: UpkeepProgress
  private var nextNote: Instant

  /// The shortest time between two notes of the rounds' progress in the store.
  private static let noteInterval: Duration = .seconds(60)
  /// The most entries that one step of a round looks at.
  static let visitsAtOnce = 1024

  init(_ now: Instant, _ parameters: Parameters, progress: UpkeepProgress, seed: UInt64) {
    var random = JobRandom(seed: seed, .replication)
    // A round that has never begun starts at a random record, so that nodes started together do not reach the
    // same record together.
    func start(_ noted: RecordID) -> RecordID {
      noted == .first ? RecordID(.plain, NodeID(random: &random)) : noted
    }
    replicate = UpkeepRound(now, from: start(progress.replicate), interval: parameters.replicateInterval)
    republish = UpkeepRound(
      now, from: start(progress.republish), interval: parameters.effectiveRepublishInterval)
    log = ReplicationLog(now, salt: random.next())
    noted = progress
    nextNote = now + Self.noteInterval
  }

  var nextDeadline: Instant? {
    let next = min(replicate.nextStep, republish.nextStep)
    return underreplicated.nextDeadline.map { min($0, next) } ?? next
  }

  // MARK: - Rounds

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    var room = shared.replications.room(shared.parameters)
    // The other round goes first the next time, so that neither takes all the room.
    isRepublishFirst.toggle()
    let order: [ReplicateOperation.Reason] =
      isRepublishFirst ? [.republish, .replicate] : [.replicate, .republish]
    for reason in order {
      var round = reason == .replicate ? replicate : republish
      guard round.nextStep <= now.monotonic else { continue }
      step(now, &round, reason, shared, &room, &out)
      if reason == .replicate { replicate = round } else { republish = round }
    }
    for task in underreplicated.takeDue(now.monotonic, room: room) {
      out.append(.replicate(task.id, task.reason))
    }
    out.append(.startReplications)
    noteProgress(now.monotonic, shared, &out)
  }

  /// Does one step of a round: enqueues the visited entries that are due.
  private mutating func step(
    _ now: Now, _ round: inout UpkeepRound, _ reason: ReplicateOperation.Reason, _ shared: borrowing Shared,
    _ room: inout Int, _ out: inout [Directive]
  ) {
    let usage = shared.records.usage
    let count = reason == .replicate ? usage.records : usage.publications
    if reason == .replicate { log.reserve(count) }
    let interval = Self.interval(of: reason, shared.parameters)
    var due = round.step(now.monotonic, entries: count, interval: interval, most: Self.visitsAtOnce)
    // The node has no contacts: the round goes on when it has some.
    guard !shared.table.isEmpty else { return }
    while due > 0, room > 0 {
      let wanted = min(due, room)
      let page = page(for: reason, from: round.next, limit: wanted, shared)
      for record in page {
        round.visited(record.id)
        visit(now, record, reason, shared, &room, &out)
      }
      due -= max(1, page.count)
      if page.count < wanted {
        round.reachedEnd()
        // The next round begins with the next step. Otherwise one step would go through a small store twice.
        break
      }
    }
  }

  private func page(
    for reason: ReplicateOperation.Reason, from first: RecordID, limit: Int, _ shared: borrowing Shared
  ) -> [Record] {
    switch reason {
    case .replicate: shared.records.records(from: first, limit: limit).map(\.record)
    case .republish: shared.records.publications(from: first, limit: limit)
    }
  }

  private func visit(
    _ now: Now, _ record: Record, _ reason: ReplicateOperation.Reason, _ shared: borrowing Shared,
    _ room: inout Int,
    _ out: inout [Directive]
  ) {
    guard !record.version.isExpired(at: now.wall) else { return }
    if reason == .republish, let held = shared.records.stored(record.id)?.record, held.supersedes(record) {
      // A newer version has been written. As its holder this node may be asked about it by the other holders
      // all the time, and would never check on it itself.
      withdraw(record, shared, &out)
    } else if isRecent(now.monotonic, record.id, shared.parameters) {
      if reason == .replicate { out.append(.count(\.replicationsSkipped, 1)) }
    } else {
      out.append(.replicate(record.id, reason))
      room -= 1
    }
  }

  private static func interval(of reason: ReplicateOperation.Reason, _ parameters: Parameters) -> Duration {
    switch reason {
    case .replicate: parameters.replicateInterval
    case .republish: parameters.effectiveRepublishInterval
    }
  }

  /// Returns whether some node has looked after a record within most of an interval.
  private func isRecent(_ now: Instant, _ id: RecordID, _ parameters: Parameters) -> Bool {
    // A little less than the interval, so that the same node has its turn again when its next round reaches
    // the record.
    let interval = parameters.replicateInterval
    return log.isRecent(now, id, within: .nanoseconds(interval.nanoseconds / 10 * 9))
  }

  /// Has the store note the progress of the rounds, if it has changed and the last note is old enough.
  private mutating func noteProgress(
    _ now: Instant, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard nextNote <= now else { return }
    let progress = UpkeepProgress(replicate: replicate.next, republish: republish.next)
    guard progress != noted else { return }
    nextNote = now + Self.noteInterval
    noted = progress
    // The note can be left out: while a store hangs, work for it must not pile up.
    guard shared.commits.count < shared.parameters.pendingCommits else { return }
    out.append(.commit(.noteProgress(progress), for: .nobody))
  }

  /// Stops publishing a record. While a store hangs, the step is left out, and the next round tries again.
  private func withdraw(_ record: Record, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard shared.commits.count < shared.parameters.pendingCommits else { return }
    out.append(.commit(.withdraw(record.id, seq: record.version.seq), for: .nobody))
  }

  // MARK: - Reports of other activity

  /// Notes that some node has just made sure that the holders of a record have it.
  mutating func noteLookedAfter(_ now: Instant, _ id: RecordID) { log.note(now, id) }

  /// Notes a record that a put has stored at fewer than K nodes, because this node knew no more.
  mutating func noteUnderreplicated(_ id: RecordID, _ shared: borrowing Shared) {
    underreplicated.note(id, shared.records.stored(id) == nil ? .republish : .replicate)
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    if case .added = change { underreplicated.handleArrival(now.monotonic) }
  }

  // MARK: - Ends of replications

  /// Handles the end of a replication's lookup: gives the newest version to the holders that lack it.
  mutating func handleEnd(
    _ now: Now, of replication: ReplicateOperation, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    // A node that names a greater seq without the record says that this version has expired and hides older
    // ones. This counts if more than half of the nodes say so: one node's word is not enough to abandon a
    // record.
    let closest = replication.lookup.closest
    let hiding = closest.count { ($0.held?.seq ?? 0) > replication.newest.version.seq }
    let isHidden = hiding * 2 > closest.count
    switch replication.reason {
    case .replicate: out.append(.count(\.replications, 1))
    case .republish:
      out.append(.count(\.republications, 1))
      // A newer version has been written, and its own publisher looks after it.
      if isHidden || replication.newest != replication.record {
        withdraw(replication.record, shared, &out)
      }
    }
    log.note(now.monotonic, replication.record.id)
    if closest.count < shared.parameters.k { underreplicated.note(replication.record.id, replication.reason) }
    if !isHidden { spread(replication.newest, replication.lookup, closest, shared, &out) }
  }

  private func spread(
    _ newest: Record, _ lookup: Lookup, _ closest: [Lookup.Candidate], _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    for candidate in closest where candidate.peer.id != shared.id {
      // A node of another implementation gets the record from its publisher, and must be sent it again to
      // keep it alive.
      guard let answer = lookup.answer(of: candidate), let token = answer.token,
        !answer.isOfOurMake || answer.held?.isOlder(than: newest) ?? true
      else { continue }
      out.append(.sendCopy(newest, to: candidate.peer, token))
    }
    let id = shared.id
    if shared.records.stored(newest.id) != nil || closest.contains(where: { $0.peer.id == id }) {
      out.append(.keepIfNewer(newest))
    }
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    replicate.adopt(now, interval: shared.parameters.replicateInterval)
    republish.adopt(now, interval: shared.parameters.effectiveRepublishInterval)
  }
}

extension Parameters {
  /// The interval between republications, which is never shorter than that between replications.
  var effectiveRepublishInterval: Duration { max(replicateInterval, republishInterval) }
}
