import NodeTime

/// A lookup and what it is for, changed in place while it runs: it is large, and each answer changes it.
/// It belongs to the one node that runs it. Every operation is one: a get and a put are lookups that ask for a
/// record on their way, and a put then stores at what it found.
final class Operation {
  enum Task {
    /// Finds the nodes closest to a target (FIND_NODE).
    case locate(LocateReason)
    /// Finds the nodes that should hold a record, and what each holds.
    case inspect(RecordName)
    case get(Retrieval)
    case put(Placement)
    case renew(Renewal)
  }

  enum LocateReason: Sendable {
    case user, join, refresh
    /// Tells the neighbourhood that this node is there.
    case announce
  }

  let id: OperationID
  var lookup: Lookup
  let task: Task
  /// The last record of those it was told of whose signature was checked and is right.
  var authentic: Record?

  /// Whether it changes what the network holds.
  var isWrite: Bool {
    switch task {
    case .put, .renew: true
    case .locate, .inspect, .get: false
    }
  }

  init(id: OperationID, lookup: Lookup, task: Task) {
    self.id = id
    self.lookup = lookup
    self.task = task
  }

  /// What each node on the way is asked.
  var method: Query.Method {
    switch task {
    case .locate: .findNode(target: lookup.target)
    // No version is newer: only what it is, and no value, is told.
    case .inspect(let name): .get(target: lookup.target, kind: name.id.kind, seq: .max)
    case .get(let retrieval): .get(target: lookup.target, kind: retrieval.id.kind, seq: nil)
    case .renew(let renewal):
      .get(
        target: lookup.target, kind: renewal.record.id.kind, seq: renewal.record.version.seq)
    // A holder need not send a value that is about to be replaced; unless it is signed, for what the seq of the
    // next version rests on must be its owner's word.
    case .put(let placement):
      .get(
        target: lookup.target, kind: placement.id.kind,
        seq: placement.id.kind == .signed ? nil : placement.draftSeq)
    }
  }

  /// The kind of record that nodes must keep in order to count; nil if any node does.
  var kind: RecordKind? {
    switch task {
    case .locate: nil
    case .inspect(let name): name.kind
    case .get(let retrieval): retrieval.id.kind
    case .renew(let renewal): renewal.record.id.kind
    case .put(let placement): placement.id.kind
    }
  }

  /// The salt of the signed record that it is about; empty if none.
  var salt: [UInt8] {
    switch task {
    case .locate: []
    case .inspect(let name): name.salt
    case .get(let retrieval): retrieval.name.salt
    case .renew(let renewal): renewal.record.name.salt
    case .put(let placement): placement.draft.name.salt
    }
  }

  /// Whether this node's part in it is a holder's: such copies go to nodes of our make only, which alone know
  /// how long a record lives.
  var isReplication: Bool {
    if case .renew(let renewal) = task { renewal.reason == .replicate } else { false }
  }

  /// Whether its nodes are still to be found: a put that has fixed its replicas keeps to them.
  var isLocating: Bool {
    if case .put(let placement) = task, case .storing = placement.phase { false } else { true }
  }

  /// The next node to ask, if any is to be asked now.
  func next() -> Lookup.Candidate? {
    if case .get(let retrieval) = task, retrieval.hasHeard, lookup.pathCount == 1 {
      // Once a version is at hand, hardly more nodes are asked than must be heard.
      let wanted = retrieval.needed(by: lookup) + retrieval.spares
      guard lookup.progress.promised < min(wanted, lookup.width) else { return nil }
    }
    return lookup.next()
  }

  /// Notes what a holder said it has, if that can be believed.
  func heard(_ held: HeldRecord, _ now: Now, parameters: Parameters) -> HeldRecord? {
    let version = held.version
    // Versions of a signed record that are believed are shown, and signed: only its owner can make one that
    // stands in everybody's way.
    let latest = now.wall.microseconds + parameters.clockSkew * 1_000_000
    if kind == .plain, version.seq > latest { return nil }
    if case .record(let record) = held, record.target != lookup.target || record.id.kind != kind {
      return nil
    }
    switch task {
    case .locate, .inspect: break
    case .renew(let renewal):
      renewal.heard(held, isLive: !version.isExpired(at: now.wall))
    case .get(let retrieval):
      retrieval.heard(held, isLive: !version.isExpired(at: now.wall))
    case .put(let placement):
      // An expired version still hides older ones, so a new one must be above it too.
      placement.heard(
        version, isLive: !version.isExpired(at: now.wall),
        latest: now.wall.seconds + parameters.maxTTL + parameters.clockSkew)
    }
    return held
  }
}

/// What a get has learned so far.
final class Retrieval {
  /// How many more are asked than must be heard, so that the slowest of them need not be waited for.
  var spares = 0
  let name: RecordName
  let id: RecordID
  /// Whether whoever asked wants to know the way to the answer.
  let isTraced: Bool
  /// Whether the lookup takes disjoint paths.
  let isGuarded: Bool
  /// The newest live version that any holder told of.
  private var newest: Record?
  /// The greatest seq of an expired version that a holder told of: it hides what is older.
  private var hiddenSeq: Int64 = -1

  init(_ name: RecordName, _ id: RecordID, isTraced: Bool = false, isGuarded: Bool = false) {
    self.name = name
    self.id = id
    self.isTraced = isTraced
    self.isGuarded = isGuarded
  }

  /// How many of the closest nodes must have been heard before the newest version is the answer.
  ///
  /// Where fewer nodes are known than there may be replicas, all of them are heard. So they are where
  /// those that were heard do not agree: some have come since the record was written, or come back with
  /// an older one, and the newest may be with few.
  ///
  /// There is one version of an immutable record: whoever has it gives it.
  func needed(by lookup: Lookup) -> Int {
    if id.kind == .immutable, newest != nil { return 0 }
    let progress = lookup.progress
    let isEnough = progress.expected == lookup.width && progress.isUnanimous
    let half = lookup.width - lookup.width / 2
    // Nobody waits for those that are doubted, unless too few are left without them: then the lookup's end
    // says how many there are.
    return isEnough ? half : max(progress.expected, half)
  }

  /// Whether any holder has told of a version.
  var hasHeard: Bool { newest != nil || hiddenSeq >= 0 }

  /// The newest live version, a deletion too, unless an expired one hides it.
  var current: Record? {
    guard let newest, newest.version.seq >= hiddenSeq else { return nil }
    return newest
  }

  func heard(_ held: HeldRecord, isLive: Bool) {
    guard isLive else {
      // Nobody signs an expiry: what a holder gives out as expired hides nothing that others still have.
      if id.kind == .plain { hiddenSeq = max(hiddenSeq, held.version.seq) }
      return
    }
    guard case .record(let record) = held, record.id == id else { return }
    if let newest, !record.supersedes(newest) {
      // Of one version the greatest expiry counts, as at the holders.
      guard id.kind != .plain, record.isSameVersion(as: newest), record.version.expiry > newest.version.expiry
      else { return }
    }
    newest = record
  }
}
