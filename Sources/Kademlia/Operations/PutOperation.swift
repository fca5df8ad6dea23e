import NodeTime

/// Stores a record at the K closest nodes: a lookup finds them, and then the record goes to all of them.
struct PutOperation: Operation {
  /// The progress of a node that should hold the record.
  enum State: Hashable, Sendable {
    case asked
    /// The node rejected its own token, and was asked for a fresh one.
    case renewingToken
    /// The node holds a newer version, and is asked which: a put with `if_seq` reports it.
    case askedForVersion
    case confirmed
    /// Past its second soft timeout. It may still confirm, but another node is asked in its place.
    case unresponsive
    case refused(PutOutcome.Reason)
  }

  struct Attempt: Sendable {
    let peer: Peer
    var state: State
    var hasRenewed = false
    /// True if the node was sent a version that the put has given up since: its confirmation does not count.
    var isOutdated = false

    /// True if the put waits for nothing more from the node, unless it lacks a majority.
    var isSettled: Bool {
      switch state {
      case .asked, .renewingToken, .askedForVersion: false
      case .confirmed, .unresponsive, .refused: true
      }
    }
  }

  enum Phase: Sendable {
    /// The lookup has not ended.
    case locating
    /// The record is final and is being sent.
    case storing(Record, replicas: Int)
  }

  /// The progress of this node's note that it publishes the record.
  enum Publication: Sendable {
    case none
    case pending
    /// The store has noted it, or would not.
    case noted
  }

  var lookup: Lookup
  var authentic: Record?
  let id: RecordID
  let draft: Draft
  /// The expiry, in seconds since the epoch.
  private(set) var expiry: Int64
  /// The seq that the current version must have; 0 if there must be none.
  let ifSeq: Int64?
  /// The writer's clock at the start, in microseconds. It becomes the record's seq unless a holder has a
  /// greater one.
  let draftSeq: Int64
  var phase = Phase.locating
  var attempts: [Attempt] = []
  private var publication = Publication.none
  /// The greatest seq that a holder has reported.
  var highestSeq: Int64 = -1
  /// The seq that `if_seq` is compared with: that of the newest version reported, or 0 if that version is
  /// expired or a tombstone.
  private var currentSeq: Int64 = 0
  /// The greatest seq known at the end of the lookup; 0 if there was none.
  private var foundSeq: Int64 = 0
  /// The seq of the value that was found; 0 if there was none, or a deletion.
  private var replacedSeq: Int64 = 0
  /// The refusals by holders that have a newer version.
  var refusals = Refusals()

  init(_ lookup: Lookup, _ draft: Draft, expiry: Int64, ifSeq: Int64?, draftSeq: Int64) {
    self.lookup = lookup
    self.id = draft.name.id
    self.draft = draft
    self.expiry = expiry
    self.ifSeq = ifSeq
    self.draftSeq = draftSeq
  }

  var kind: RecordKind? { id.kind }

  var salt: [UInt8] { draft.name.salt }

  // A holder need not send a value that is about to be replaced. A signed value is needed: the seq of the
  // next version must rest on its owner's signature.
  var method: Query.Method {
    .get(target: lookup.target, kind: id.kind, seq: id.kind == .signed ? nil : draftSeq)
  }

  /// False once the put has fixed its replicas: it keeps to them.
  var isLocating: Bool { if case .storing = phase { false } else { true } }

  private var isTombstone: Bool { draft.isTombstone }

  /// True if the seq is chosen above that of the version found.
  var choosesSeq: Bool {
    switch draft {
    case .plain, .toSign: true
    case .immutable, .signed: false
    }
  }

  // MARK: - Versions of the holders

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    let version = held.version
    // An expired version still hides older ones, so that the new version must be above it, too.
    let isLive = !version.isExpired(at: now.wall)
    let latest = now.wall.seconds + parameters.maxTTL + parameters.clockSkew
    // A deletion outlives every copy that it deletes.
    if isTombstone { expiry = max(expiry, min(version.expiry, latest)) }
    guard version.seq >= highestSeq else { return }
    // No signature covers an expiry: if one holder calls a version expired, another may still have it.
    if id.kind != .plain, version.seq == highestSeq, !isLive { return }
    // At the same seq a tombstone wins over a value.
    let isDeleted =
      version.isTombstone || (id.kind == .plain && version.seq == highestSeq && currentSeq == 0)
    highestSeq = version.seq
    currentSeq = isLive && !isDeleted ? version.seq : 0
  }

  /// The seq of the version found, if it rules the put out: `if_seq` asked for another one, or the seq is
  /// above that of a record that was signed elsewhere.
  var conflict: Int64? {
    if let ifSeq, ifSeq != currentSeq { return currentSeq }
    if case .signed(let record) = draft, highestSeq > record.version.seq { return highestSeq }
    return nil
  }

  /// The greatest seq that a holder may have in order to accept a put with `if_seq`: that of the version
  /// found, or that of the deletion that left nothing.
  var cas: Int64? { ifSeq == nil ? nil : foundSeq }

  /// The version that is written, or would have been. A seq that is chosen here is above the greatest one
  /// seen.
  var version: RecordVersion {
    // Later reports do not change a record that was sent out.
    if case .storing(let record, _) = phase { return record.version }
    let next = highestSeq == .max ? highestSeq : highestSeq + 1
    let seq =
      switch draft {
      case .plain, .toSign: max(draftSeq, next)
      case .immutable: Int64(0)
      case .signed(let record): record.version.seq
      }
    return RecordVersion(seq: seq, expiry: expiry, isTombstone: isTombstone)
  }

  // MARK: - Storing

  /// Carries the put on as far as possible now.
  ///
  /// - Parameter operation: the ID of the put.
  /// - Returns: the outcome; nil while the put goes on.
  mutating func store(
    _ now: Now, as operation: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) -> PutOutcome? {
    if case .locating = phase {
      guard lookup.isFinished else { return nil }
      let replicas = lookup.closest.count
      let electorate = lookup.electorate(most: shared.parameters.k)
      func end(_ verdict: PutOutcome.Verdict) -> PutOutcome {
        outcome(verdict, stored: 0, replicas: replicas, electorate)
      }
      if ifSeq != nil {
        // The version that counts may be at nodes that do not answer.
        let isHeard = electorate.otherVotes > 0 || shared.standing == .onlyNode
        guard electorate.isReadable, isHeard, !shared.standing.isCutOff else {
          return end(
            .unreachable(
              answered: electorate.votes, needed: max(electorate.neededVotes, electorate.votes + 1)))
        }
      }
      if let conflict { return end(.conflict(current: conflict)) }
      if choosesSeq, highestSeq == .max { return end(.seqExhausted) }
      guard begin(replicas: replicas) else { return end(.quorumFailed) }
    }
    tryAgainAboveRefusals(now)
    if isShort, case .storing(let record, _) = phase {
      for node in due { store(record, at: node, now, as: operation, shared, &out) }
    }
    guard lookup.isFinished, let outcome = outcome(shared) else { return nil }
    return publishIfNeeded(now, outcome, as: operation, shared.parameters, &out) ? outcome : nil
  }

  private mutating func store(
    _ record: Record, at node: Lookup.Candidate, _ now: Now, as operation: OperationID,
    _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    attempts.append(Attempt(peer: node.peer, state: .asked))
    guard let answer = lookup.answer(of: node) else { return }
    if let token = answer.token {
      send(record, to: node.peer, token, as: operation, &out)
    } else if let error = shared.validationError(now, record, cas) {
      // This node is a replica like any other: a version that it has learned of meanwhile counts against its
      // own put, too. Every holder would raise any other error.
      if error.isOverSeq, let held = shared.records.stored(record.id) { refusals.note(held.record.version) }
      _ = handleRefusal(by: shared.id, reason: .refused(error), isOverSeq: error.isOverSeq)
    } else {
      out.append(.commit(.keep(record), for: .put(operation)))
    }
  }

  func send(
    _ record: Record, to peer: Peer, _ token: WriteToken, as operation: OperationID, _ out: inout [Directive]
  ) {
    out.append(
      .send(
        .put(record, token: token, cas: cas), to: peer.endpoint, expecting: peer.id,
        owner: .operation(operation, .store)))
  }

  /// Fixes the record and the number of nodes that should hold it, at the end of the lookup.
  ///
  /// - Returns: false if the record cannot be made.
  private mutating func begin(replicas: Int) -> Bool {
    foundSeq = max(0, highestSeq)
    replacedSeq = currentSeq
    guard let record = draft.record(version) else { return false }
    phase = .storing(record, replicas: replicas)
    return true
  }

  /// The number of nodes that have confirmed or are still expected to.
  private var hopeful: Int {
    attempts.count { attempt in
      switch attempt.state {
      case .asked, .renewingToken, .askedForVersion, .confirmed: true
      case .unresponsive, .refused: false
      }
    }
  }

  /// True if further nodes should get the record, if there are any.
  private var isShort: Bool {
    if case .storing(_, let replicas) = phase { hopeful < replicas } else { false }
  }

  /// The closest nodes that should get the record now.
  private var due: [Lookup.Candidate] {
    guard case .storing(_, let replicas) = phase else { return [] }
    let fresh = lookup.closest.filter { candidate in
      !attempts.contains { $0.peer.id == candidate.peer.id }
    }
    return Array(fresh.prefix(max(0, replicas - hopeful)))
  }

  func index(of id: NodeID) -> Int? {
    attempts.firstIndex { $0.peer.id == id }
  }

  // MARK: - Publication

  /// Notes a confirmed record as published, before the user is told of its success. This node then
  /// republishes the record until it expires, even after a crash. A record without a majority is not noted:
  /// whether it lasts is unknown, and the user is told so.
  ///
  /// - Returns: whether the put has nothing more to wait for.
  private mutating func publishIfNeeded(
    _ now: Now, _ outcome: PutOutcome, as operation: OperationID, _ parameters: Parameters,
    _ out: inout [Directive]
  ) -> Bool {
    guard outcome.verdict == .stored else { return true }
    switch publication {
    case .noted: return true
    case .pending: return false
    case .none:
      // A record that expires before the first round reaches it need not be noted.
      let interval = parameters.effectiveRepublishInterval.components.seconds
      guard case .storing(let record, _) = phase, record.version.expiry - now.wall.seconds > interval
      else { return true }
      publication = .pending
      out.append(.commit(.publish(record), for: .publication(operation)))
      return false
    }
  }

  /// Handles the end of the publication: the record is noted, or cannot be.
  mutating func handlePublication() { publication = .noted }

  // MARK: - The end

  /// Unresponsive and questionable nodes that are closer than some that confirmed. They should hold the
  /// record, too, because readers that find them alive would ask them first.
  var stragglers: [NodeID] {
    guard let furthest = attempts.last(where: { $0.state == .confirmed })?.peer.id else { return [] }
    let limit = lookup.target.distance(to: furthest)
    return lookup.candidates.filter {
      ($0.state == .unresponsive || $0.state == .questionable) && $0.distance < limit
    }.map(\.peer.id)
  }

  /// Returns the outcome; nil while there is none. It is valid only while no further node is about to be asked.
  private func outcome(_ shared: borrowing Shared) -> PutOutcome? {
    guard case .storing(_, let replicas) = phase else { return nil }
    guard attempts.allSatisfy(\.isSettled) else { return nil }
    let confirmed = attempts.lazy.filter { $0.state == .confirmed }.map(\.peer.id)
    // A node that confirms after it was replaced makes one copy more than there are replicas.
    let stored = min(confirmed.count, replicas)
    let hasMajority = stored >= replicas / 2 + 1
    // An unresponsive node may still complete the majority, until its query has failed.
    if !hasMajority, attempts.contains(where: { $0.state == .unresponsive }) { return nil }
    let electorate = lookup.electorate(most: shared.parameters.k, naming: confirmed)
    let isWeak = shared.standing.isCutOff || electorate.named < electorate.majority
    let verdict: PutOutcome.Verdict =
      if hasMajority, !isWeak || ifSeq == nil {
        .stored
      } else if ifSeq != nil, refusals.count > 0 {
        .conflict(current: refusals.current)
      } else {
        .quorumFailed
      }
    return outcome(
      verdict, stored: stored, replicas: replicas, electorate, isWeak: isWeak)
  }

  /// Makes the outcome from a verdict and the state so far.
  private func outcome(
    _ verdict: PutOutcome.Verdict, stored: Int, replicas: Int, _ electorate: Lookup.Electorate,
    isWeak: Bool = false
  ) -> PutOutcome {
    PutOutcome(
      verdict: verdict, target: id.target, version: version, stored: stored, replicas: replicas,
      replacedSeq: replacedSeq, counted: electorate.count, silent: electorate.silent, isWeak: isWeak,
      failures: attempts.compactMap { attempt in
        switch attempt.state {
        case .confirmed: nil
        case .refused(let reason): .init(peer: attempt.peer, reason: reason)
        case .unresponsive, .asked, .renewingToken, .askedForVersion: .init(peer: attempt.peer, reason: .late)
        }
      })
  }
}
