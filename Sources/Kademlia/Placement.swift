import Signatures

/// A record on its way to the nodes that should hold it: what a put does besides its lookup.
final class Placement {
  /// What a node that should hold the record has done with it.
  enum State: Hashable, Sendable {
    case asked
    /// It wanted another token; a fresh one is on its way.
    case renewingToken
    /// It holds a newer version, and is asked which: whoever put with `if_seq` wants to know.
    case askedForVersion
    case confirmed
    /// Past its second soft timeout. It may yet confirm, but another is asked in its place.
    case silent
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

  /// What is to be written, as far as it is known before the lookup has ended.
  enum Draft: Sendable {
    case plain(key: [UInt8], value: [UInt8], isTombstone: Bool)
    case immutable([UInt8])
    /// To be signed here when its seq is known.
    case toSign(SigningKey, salt: [UInt8], value: [UInt8])
    /// Signed elsewhere, with a seq that stays.
    case signed(Record)

    var name: RecordName {
      switch self {
      case .plain(let key, _, _): .plain(key: key)
      case .immutable(let value): .immutable(NodeID(sha1Of: value))
      case .toSign(let signer, let salt, _): .signed(signer.publicKey, salt: salt)
      case .signed(let record): record.name
      }
    }

    var isTombstone: Bool {
      switch self {
      case .plain(_, _, let isTombstone): isTombstone
      case .immutable: false
      case .toSign(_, _, let value): value == SignedText.deletion
      case .signed(let record): record.version.isTombstone
      }
    }

    /// The record of a version; nil if it cannot be signed.
    func record(_ version: RecordVersion) -> Record? {
      switch self {
      case .plain(let key, let value, _): return Record(plainKey: key, value: value, version: version)
      case .immutable(let value): return Record(immutable: value, expiry: version.expiry)
      case .toSign(let signer, let salt, let value):
        let text = SignedText.of(salt: salt, seq: version.seq, value: value)
        guard let signature = signer.signature(of: text) else { return nil }
        return Record(
          signed: Record.Authorship(owner: signer.publicKey, salt: salt, signature: signature), value: value,
          seq: version.seq, expiry: version.expiry)
      case .signed(let record): return record.expiring(at: version.expiry)
      }
    }
  }

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
  var publication = Publication.none
  /// The greatest seq that a holder told of.
  private var highestSeq: Int64 = -1
  /// The newest version that holders told of, if it is live and no tombstone: what `if_seq` means.
  private var currentSeq: Int64 = 0
  /// The greatest seq when the lookup had ended; 0 for none.
  private var foundSeq: Int64 = 0
  private var wasRefusedForSeq = false
  /// The greatest seq that a holder named when it was asked why it had refused.
  private var refusingSeq: Int64?

  init(_ draft: Draft, expiry: Int64, ifSeq: Int64?, draftSeq: Int64) {
    self.id = draft.name.id
    self.draft = draft
    self.expiry = expiry
    self.ifSeq = ifSeq
    self.draftSeq = draftSeq
  }

  private var isTombstone: Bool { draft.isTombstone }

  /// - Parameter latest: no record expires later than that, seconds since the epoch.
  func heard(_ version: RecordVersion, isLive: Bool, latest: Int64) {
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

  /// The lookup has ended: fixes the record and how many nodes should hold it.
  ///
  /// - Returns: false if the record cannot be made.
  func begin(replicas: Int) -> Bool {
    foundSeq = max(0, highestSeq)
    guard let record = draft.record(version) else { return false }
    phase = .storing(record, replicas: replicas)
    return true
  }

  /// Whether an answer to a store confirms it. Nodes of another make may say yes to what they keep as
  /// something else, or not at all: a plain record is confirmed by its seq. One of BEP 44 they know, and say
  /// no more than yes.
  func isConfirmed(by response: Response) -> Bool {
    id.kind != .plain || response.storedSeq == version.seq
  }

  /// How many nodes have confirmed or may yet.
  private var hopeful: Int {
    attempts.count { attempt in
      switch attempt.state {
      case .asked, .renewingToken, .askedForVersion, .confirmed: true
      case .silent, .refused: false
      }
    }
  }

  /// Whether further nodes should get the record, if there are any.
  var isShort: Bool {
    if case .storing(_, let replicas) = phase { hopeful < replicas } else { false }
  }

  /// The record and the closest nodes that should get it now.
  func due(from closest: [Lookup.Candidate]) -> (record: Record, nodes: [Lookup.Candidate])? {
    guard case .storing(let record, let replicas) = phase else { return nil }
    let hopeful = hopeful
    let fresh = closest.filter { candidate in
      !attempts.contains { $0.peer.id == candidate.peer.id }
    }
    return (record, Array(fresh.prefix(max(0, replicas - hopeful))))
  }

  func asked(_ peer: Peer) {
    attempts.append(Attempt(peer: peer, state: .asked))
  }

  private func index(of id: NodeID) -> Int? {
    attempts.firstIndex { $0.peer.id == id }
  }

  func confirmed(_ id: NodeID) {
    guard let index = index(of: id) else { return }
    attempts[index].state = .confirmed
  }

  /// A node would not store it, or never answered.
  ///
  /// - Returns: whether another node should be found in its place.
  func refused(_ id: NodeID, reason: PutOutcome.Reason, overSeq: Bool = false) -> Bool {
    guard let index = index(of: id), attempts[index].state != .confirmed else { return false }
    let wasHopeful = attempts[index].state != .silent
    attempts[index].state = .refused(reason)
    if overSeq {
      // It holds a newer version: it is the right node, and another in its place would only take
      // the older one where nobody looks for it.
      wasRefusedForSeq = true
      return false
    }
    return wasHopeful
  }

  /// A node is past its second soft timeout.
  ///
  /// - Returns: whether another node should be found in its place.
  func fellSilent(_ id: NodeID) -> Bool {
    guard let index = index(of: id) else { return false }
    switch attempts[index].state {
    case .asked, .renewingToken, .askedForVersion:
      attempts[index].state = .silent
      return true
    case .confirmed, .silent, .refused:
      return false
    }
  }

  /// A node refused the token it gave. Tokens age, and secrets go with a restart, so that it is
  /// asked for a fresh one, once.
  ///
  /// - Returns: whether to ask.
  func renewToken(_ id: NodeID) -> Bool {
    guard let index = index(of: id), !attempts[index].hasRenewed else { return false }
    attempts[index].hasRenewed = true
    attempts[index].state = .renewingToken
    return true
  }

  /// A node holds a newer version than the put with `if_seq` allows.
  ///
  /// - Returns: whether to ask it which.
  func asksForVersion(_ id: NodeID) -> Bool {
    guard ifSeq != nil, let index = index(of: id), attempts[index].state != .askedForVersion else {
      return false
    }
    attempts[index].state = .askedForVersion
    return true
  }

  /// A node that refused tells of what it holds.
  func refused(by version: RecordVersion) {
    refusingSeq = max(refusingSeq ?? 0, version.isTombstone ? 0 : version.seq)
  }

  /// How it ended; nil while it has not. To be asked only while no further node is on its way.
  var outcome: PutOutcome? {
    guard case .storing(_, let replicas) = phase else { return nil }
    let isSettled = attempts.allSatisfy { attempt in
      switch attempt.state {
      case .asked, .renewingToken, .askedForVersion: false
      case .confirmed, .silent, .refused: true
      }
    }
    guard isSettled else { return nil }
    // A node that confirms after another was asked in its place makes one copy more than there are replicas.
    let stored = min(attempts.count { $0.state == .confirmed }, replicas)
    let hasMajority = stored >= replicas / 2 + 1
    // A silent node may still make the majority, until its query has failed.
    if !hasMajority, attempts.contains(where: { $0.state == .silent }) { return nil }
    return outcome(
      hasMajority
        ? .stored : ifSeq != nil && wasRefusedForSeq ? .conflict(current: refusingSeq) : .quorumFailed,
      stored: stored, replicas: replicas)
  }

  /// The outcome with a verdict and what is known so far.
  func outcome(_ verdict: PutOutcome.Verdict, stored: Int, replicas: Int) -> PutOutcome {
    PutOutcome(
      verdict: verdict, target: id.target, version: version, stored: stored, replicas: replicas,
      failures: attempts.compactMap { attempt in
        switch attempt.state {
        case .confirmed: nil
        case .refused(let reason): .init(peer: attempt.peer, reason: reason)
        case .silent, .asked, .renewingToken, .askedForVersion: .init(peer: attempt.peer, reason: .late)
        }
      })
  }
}
