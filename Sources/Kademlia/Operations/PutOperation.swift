import NodeTime

/// Stores a record at the K closest nodes: a lookup finds them, and then the record goes to all of them.
struct PutOperation: Operation {
  /// What a node that should hold the record has done with it.
  enum State: Hashable, Sendable {
    case asked
    /// It wanted another token; a fresh one is on its way.
    case renewingToken
    /// It holds a newer version, and is asked which: whoever put with `if_seq` wants to know.
    case askedForVersion
    case confirmed
    /// Past its second soft timeout. It may yet confirm, but another is asked in its place.
    case unresponsive
    case refused(PutOutcome.Reason)
  }

  struct Attempt: Sendable {
    let peer: Peer
    var state: State
    var hasRenewed = false
  }

  enum Phase: Sendable {
    /// The lookup has not ended.
    case locating
    /// The record is final and goes out.
    case storing(Record, replicas: Int)
  }

  /// Whether this node has noted that it publishes the record.
  enum Publication: Sendable {
    case none
    case pending
    /// It has, or its store would not have it.
    case noted
  }

  var lookup: Lookup
  var authentic: Record?
  let id: RecordID
  let draft: Draft
  /// Seconds since the epoch.
  private(set) var expiry: Int64
  /// The seq that the current version must have; 0 for none.
  let ifSeq: Int64?
  /// The time at the writer when it began, in microseconds: the record's seq unless a holder has a
  /// greater one.
  let draftSeq: Int64
  private(set) var phase = Phase.locating
  private(set) var attempts: [Attempt] = []
  private var publication = Publication.none
  /// The greatest seq that a holder told of.
  private var highestSeq: Int64 = -1
  /// The newest version that holders told of, if it is live and no tombstone: what `if_seq` means.
  private var currentSeq: Int64 = 0
  /// The greatest seq when the lookup had ended; 0 for none.
  private var foundSeq: Int64 = 0
  private var wasRefusedForSeq = false
  /// The greatest seq that a holder named when it was asked why it had refused.
  private var refusingSeq: Int64?

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

  // A holder need not send a value that is about to be replaced; unless it is signed, for what the seq of the
  // next version rests on must be its owner's word.
  var method: Query.Method {
    .get(target: lookup.target, kind: id.kind, seq: id.kind == .signed ? nil : draftSeq)
  }

  /// A put that has fixed its replicas keeps to them.
  var isLocating: Bool { if case .storing = phase { false } else { true } }

  private var isTombstone: Bool { draft.isTombstone }

  // MARK: - What holders tell

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    let version = held.version
    // An expired version still hides older ones, so a new one must be above it too.
    let isLive = !version.isExpired(at: now.wall)
    let latest = now.wall.seconds + parameters.maxTTL + parameters.clockSkew
    // A deletion outlives every copy that it deletes.
    if isTombstone { expiry = max(expiry, min(version.expiry, latest)) }
    guard version.seq >= highestSeq else { return }
    // Nobody signs an expiry: that one holder calls a version expired does not undo that another has it.
    if id.kind != .plain, version.seq == highestSeq, !isLive { return }
    // At one seq a tombstone wins over a value.
    let isDeleted =
      version.isTombstone || (id.kind == .plain && version.seq == highestSeq && currentSeq == 0)
    highestSeq = version.seq
    currentSeq = isLive && !isDeleted ? version.seq : 0
  }

  /// The seq of the version found, where that is another than `if_seq` asked for, or above that of a record
  /// that was signed before.
  var conflict: Int64? {
    if let ifSeq, ifSeq != currentSeq { return currentSeq }
    if case .signed(let record) = draft, highestSeq > record.version.seq { return highestSeq }
    return nil
  }

  /// What a holder's version must not be above, for a put with `if_seq`: the version that was found
  /// to be the one asked for, or the deletion that left nothing.
  var cas: Int64? { ifSeq == nil ? nil : foundSeq }

  /// The version as it will be, or would have been: always above the greatest seq seen.
  var version: RecordVersion {
    // What holders tell of later does not change what was sent out.
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

  /// Carries the put on as far as it can be now.
  ///
  /// - Parameter operation: its own ID.
  /// - Returns: its outcome; nil while it goes on.
  mutating func store(
    _ now: Now, as operation: OperationID, _ shared: borrowing Shared, _ out: inout [Directive]
  ) -> PutOutcome? {
    if case .locating = phase {
      guard lookup.isFinished else { return nil }
      let replicas = lookup.closest.count
      if let conflict { return outcome(.conflict(current: conflict), stored: 0, replicas: replicas) }
      guard begin(replicas: replicas) else { return outcome(.quorumFailed, stored: 0, replicas: replicas) }
    }
    if isShort, case .storing(let record, _) = phase {
      for node in due { store(record, at: node, now, as: operation, shared, &out) }
    }
    guard lookup.isFinished, let outcome else { return nil }
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
      // This node is a replica like any other: a version that it has learned of meanwhile
      // counts against its own put, too. What else it could object to, everybody would.
      if error.isOverSeq, let held = shared.records.stored(record.id) { noteRefusing(held.record.version) }
      _ = handleRefusal(by: shared.id, reason: .refused(error), isOverSeq: error.isOverSeq)
    } else {
      out.append(.commit(.keep(record), for: .put(operation)))
    }
  }

  private func send(
    _ record: Record, to peer: Peer, _ token: WriteToken, as operation: OperationID, _ out: inout [Directive]
  ) {
    out.append(
      .send(
        .put(record, token: token, cas: cas), to: peer.endpoint, expecting: peer.id,
        owner: .operation(operation, .store)))
  }

  /// The lookup has ended: fixes the record and how many nodes should hold it.
  ///
  /// - Returns: false if the record cannot be made.
  private mutating func begin(replicas: Int) -> Bool {
    foundSeq = max(0, highestSeq)
    guard let record = draft.record(version) else { return false }
    phase = .storing(record, replicas: replicas)
    return true
  }

  /// How many nodes have confirmed or may yet.
  private var hopeful: Int {
    attempts.count { attempt in
      switch attempt.state {
      case .asked, .renewingToken, .askedForVersion, .confirmed: true
      case .unresponsive, .refused: false
      }
    }
  }

  /// Whether further nodes should get the record, if there are any.
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

  private func index(of id: NodeID) -> Int? {
    attempts.firstIndex { $0.peer.id == id }
  }

  // MARK: - What its publisher notes

  /// Whether the put has nothing more to wait for. One that was confirmed is noted as published by this node
  /// before anybody is told so, so that it is published again until its time is over, whatever happens to
  /// this node. One that was not is not: whether it lasts is unknown, and its user is told that.
  private mutating func publishIfNeeded(
    _ now: Now, _ outcome: PutOutcome, as operation: OperationID, _ parameters: Parameters,
    _ out: inout [Directive]
  ) -> Bool {
    guard outcome.verdict == .stored else { return true }
    switch publication {
    case .noted: return true
    case .pending: return false
    case .none:
      // One that ends before the first round comes by need not be noted.
      let interval = parameters.effectiveRepublishInterval.components.seconds
      guard case .storing(let record, _) = phase, record.version.expiry - now.wall.seconds > interval
      else { return true }
      publication = .pending
      out.append(.commit(.publish(record), for: .publication(operation)))
      return false
    }
  }

  /// The record is noted as published, or cannot be.
  mutating func handlePublication() { publication = .noted }

  // MARK: - What the holders say

  /// A holder has answered a store.
  mutating func handleStoreAnswer(_ response: Response, from peer: NodeID) {
    // Nodes of another make may say yes to what they keep as something else, or not at all: a plain record is
    // confirmed by its seq. One of BEP 44 they know, and say no more than yes.
    if id.kind != .plain || response.storedSeq == version.seq {
      handleConfirmation(by: peer)
    } else {
      handleFailure(of: peer, .unnamedVersion)
    }
  }

  mutating func handleConfirmation(by id: NodeID) {
    guard let index = index(of: id) else { return }
    attempts[index].state = .confirmed
  }

  /// A holder would not store the record, or never answered: another is found in its place, if it was waited for.
  mutating func handleFailure(of id: NodeID, _ reason: PutOutcome.Reason, isOverSeq: Bool = false) {
    if handleRefusal(by: id, reason: reason, isOverSeq: isOverSeq) { lookup.widen() }
  }

  /// - Returns: whether another node should be found in its place.
  private mutating func handleRefusal(by id: NodeID, reason: PutOutcome.Reason, isOverSeq: Bool) -> Bool {
    guard let index = index(of: id), attempts[index].state != .confirmed else { return false }
    let wasHopeful = attempts[index].state != .unresponsive
    attempts[index].state = .refused(reason)
    if isOverSeq {
      // It holds a newer version: it is the right node, and another in its place would only take
      // the older one where nobody looks for it.
      wasRefusedForSeq = true
      return false
    }
    return wasHopeful
  }

  /// A holder is past its second soft timeout: another is found in its place.
  mutating func handleSecondTimeout(of id: NodeID) {
    guard let index = index(of: id) else { return }
    switch attempts[index].state {
    case .asked, .renewingToken, .askedForVersion:
      attempts[index].state = .unresponsive
      lookup.widen()
    case .confirmed, .unresponsive, .refused: break
    }
  }

  /// A holder has refused a store.
  mutating func handleStoreError(
    _ error: RPCError, from peer: Peer, as operation: OperationID, _ out: inout [Directive]
  ) {
    if error.code == RPCError.protocolError, tryRenewToken(peer.id) {
      return ask(peer, seq: version.seq, as: operation, .token, &out)
    }
    if error.isOverSeq, tryAskForVersion(peer.id) {
      // A signed version must be shown to be believed.
      return ask(peer, seq: id.kind == .plain ? .max : nil, as: operation, .refusal(error), &out)
    }
    handleFailure(of: peer.id, .refused(error), isOverSeq: error.isOverSeq)
  }

  private func ask(
    _ peer: Peer, seq: Int64?, as operation: OperationID, _ step: OperationQuery, _ out: inout [Directive]
  ) {
    out.append(
      .send(
        .get(target: id.target, kind: id.kind, seq: seq), to: peer.endpoint, expecting: peer.id,
        owner: .operation(operation, step)))
  }

  /// A node refused the token it gave. Tokens age, and secrets go with a restart, so that it is
  /// asked for a fresh one, once.
  ///
  /// - Returns: whether to ask.
  private mutating func tryRenewToken(_ id: NodeID) -> Bool {
    guard let index = index(of: id), !attempts[index].hasRenewed else { return false }
    attempts[index].hasRenewed = true
    attempts[index].state = .renewingToken
    return true
  }

  /// A holder that had refused its own token has answered the request for a fresh one.
  mutating func handleToken(
    _ token: WriteToken?, from peer: Peer, as operation: OperationID, _ out: inout [Directive]
  ) {
    guard case .storing(let record, _) = phase else { return }
    if let token {
      send(record, to: peer, token, as: operation, &out)
    } else {
      handleFailure(of: peer.id, .noToken)
    }
  }

  /// A node holds a newer version than the put with `if_seq` allows.
  ///
  /// - Returns: whether to ask it which.
  private mutating func tryAskForVersion(_ id: NodeID) -> Bool {
    guard ifSeq != nil, let index = index(of: id), attempts[index].state != .askedForVersion else {
      return false
    }
    attempts[index].state = .askedForVersion
    return true
  }

  /// A holder that refused has said which newer version it holds, if it has.
  mutating func handleExplanation(_ held: HeldRecord?, of error: RPCError, by peer: NodeID) {
    if let held { noteRefusing(held.version) }
    handleFailure(of: peer, .refused(error), isOverSeq: true)
  }

  private mutating func noteRefusing(_ version: RecordVersion) {
    refusingSeq = max(refusingSeq ?? 0, version.isTombstone ? 0 : version.seq)
  }

  // MARK: - When it ends

  /// The nodes that were taken for dead, or not waited for, and are closer than some that confirmed: they should
  /// hold the record, too, for readers that find them alive would ask them first.
  var stragglers: [NodeID] {
    guard let furthest = attempts.last(where: { $0.state == .confirmed })?.peer.id else { return [] }
    let limit = lookup.target.distance(to: furthest)
    return lookup.candidates.filter {
      ($0.state == .unresponsive || $0.state == .questionable) && $0.distance < limit
    }.map(\.peer.id)
  }

  /// How it ended; nil while it has not. To be asked only while no further node is on its way.
  private var outcome: PutOutcome? {
    guard case .storing(_, let replicas) = phase else { return nil }
    let isSettled = attempts.allSatisfy { attempt in
      switch attempt.state {
      case .asked, .renewingToken, .askedForVersion: false
      case .confirmed, .unresponsive, .refused: true
      }
    }
    guard isSettled else { return nil }
    // A node that confirms after another was asked in its place makes one copy more than there are replicas.
    let stored = min(attempts.count { $0.state == .confirmed }, replicas)
    let hasMajority = stored >= replicas / 2 + 1
    // A silent node may still make the majority, until its query has failed.
    if !hasMajority, attempts.contains(where: { $0.state == .unresponsive }) { return nil }
    return outcome(
      hasMajority
        ? .stored : ifSeq != nil && wasRefusedForSeq ? .conflict(current: refusingSeq) : .quorumFailed,
      stored: stored, replicas: replicas)
  }

  /// The outcome with a verdict and what is known so far.
  private func outcome(_ verdict: PutOutcome.Verdict, stored: Int, replicas: Int) -> PutOutcome {
    PutOutcome(
      verdict: verdict, target: id.target, version: version, stored: stored, replicas: replicas,
      failures: attempts.compactMap { attempt in
        switch attempt.state {
        case .confirmed: nil
        case .refused(let reason): .init(peer: attempt.peer, reason: reason)
        case .unresponsive, .asked, .renewingToken, .askedForVersion: .init(peer: attempt.peer, reason: .late)
        }
      })
  }
}
