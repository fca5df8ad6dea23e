import NodeTime

/// Reads the newest version of a record.
struct GetOperation: Operation {
  var lookup: Lookup
  var authentic: Record?
  let name: RecordName
  let id: RecordID
  /// True if the user asked for the steps of the lookup.
  let isTraced: Bool
  /// True if the user asked for disjoint paths. A get of a signed record takes them in any case.
  let isGuarded: Bool
  /// The number of nodes asked beyond those that must be heard, so that the get need not wait for the
  /// slowest.
  var extraQueries = 0
  /// The newest live version that any holder has reported.
  private var newest: Record?
  /// The greatest seq of an expired version that a holder has reported. It hides older versions.
  private var hiddenSeq: Int64 = -1

  init(_ lookup: Lookup, _ name: RecordName, _ id: RecordID, isTraced: Bool = false, isGuarded: Bool = false)
  {
    self.lookup = lookup
    self.name = name
    self.id = id
    self.isTraced = isTraced
    self.isGuarded = isGuarded
  }

  var kind: RecordKind? { id.kind }

  var salt: [UInt8] { name.salt }

  var method: Query.Method { .get(target: lookup.target, kind: id.kind, seq: nil) }

  mutating func nextCandidate() -> Lookup.Candidate? {
    if hasHeard, lookup.pathCount == 1 {
      // Once a version is known, only the nodes that must be heard are asked, and a few extra ones.
      let wanted = neededAnswers + extraQueries
      guard lookup.progress.promised < min(wanted, lookup.width) else { return nil }
    }
    return lookup.next()
  }

  // MARK: - Answers of the holders

  /// True if any holder has reported a version.
  var hasHeard: Bool { newest != nil || hiddenSeq >= 0 }

  /// The newest live version, even if it is a deletion; nil if an expired version hides it.
  var current: Record? {
    guard let newest, newest.version.seq >= hiddenSeq else { return nil }
    return newest
  }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    guard !held.version.isExpired(at: now.wall) else {
      // No signature covers an expiry: a version that one holder reports as expired hides nothing that others
      // still have.
      if id.kind == .plain { hiddenSeq = max(hiddenSeq, held.version.seq) }
      return
    }
    guard case .record(let record) = held, record.id == id else { return }
    if let newest, !record.supersedes(newest) {
      // Among copies of one version the greatest expiry counts, as it does at the holders.
      guard id.kind != .plain, record.isSameVersion(as: newest), record.version.expiry > newest.version.expiry
      else { return }
    }
    newest = record
  }

  // MARK: - The end

  /// The number of the closest nodes that must be heard before the newest version is the answer.
  ///
  /// All of them are heard if fewer nodes are known than there may be replicas, or if those that were heard
  /// disagree. Some nodes may have joined since the record was written, or come back with an older version,
  /// and only a few may have the newest.
  ///
  /// An immutable record has one version, so that the first valid answer is enough.
  private var neededAnswers: Int {
    if id.kind == .immutable, newest != nil { return 0 }
    let progress = lookup.progress
    let isEnough = progress.expected == lookup.width && progress.isUnanimous
    let half = lookup.width - lookup.width / 2
    // Questionable nodes are not waited for, unless too few others are left. The end of the lookup then says
    // how many nodes there are.
    return isEnough ? half : max(progress.expected, half)
  }

  /// The outcome; nil while the get goes on.
  ///
  /// A put is confirmed by floor(n/2) + 1 of n replicas. A get hears n - floor(n/2) of them, so that at least
  /// one of these has every confirmed version.
  ///
  /// Answers count only as far as the neighbourhood is known (`Lookup.progress`). An early answer of a node
  /// that is not one of the K closest must not count as a vote.
  var outcome: GetOutcome? {
    let answered = lookup.progress.answered
    if hasHeard {
      // Each of several paths may lead to a newer version until it ends.
      let isEnough = lookup.pathCount == 1 && neededAnswers <= answered
      guard isEnough || lookup.isFinished else { return nil }
      guard let current, current.isValue else { return .notFound }
      return .found(current)
    }
    guard lookup.isFinished else { return nil }
    // Nodes that did not answer may hold the record. "Not found" needs enough answers from nodes that would
    // have it.
    let holders = min(lookup.width, answered + lookup.missing)
    let needed = holders - holders / 2
    return answered >= needed ? .notFound : .unreachable(answered: answered, needed: needed)
  }
}
