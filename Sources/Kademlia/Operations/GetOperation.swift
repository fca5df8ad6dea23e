import NodeTime

/// Reads the newest version of a record.
struct GetOperation: Operation {
  var lookup: Lookup
  var authentic: Record?
  let name: RecordName
  let id: RecordID
  /// Whether whoever asked wants to know the way to the answer.
  let isTraced: Bool
  /// Whether the lookup takes disjoint paths.
  let isGuarded: Bool
  /// How many more nodes are asked than must be heard, so that the slowest of them need not be waited for.
  var extraQueries = 0
  /// The newest live version that any holder told of.
  private var newest: Record?
  /// The greatest seq of an expired version that a holder told of: it hides what is older.
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
      // Once a version is at hand, hardly more nodes are asked than must be heard.
      let wanted = neededAnswers + extraQueries
      guard lookup.progress.promised < min(wanted, lookup.width) else { return nil }
    }
    return lookup.next()
  }

  // MARK: - What holders tell

  /// Whether any holder has told of a version.
  var hasHeard: Bool { newest != nil || hiddenSeq >= 0 }

  /// The newest live version, a deletion too, unless an expired one hides it.
  var current: Record? {
    guard let newest, newest.version.seq >= hiddenSeq else { return nil }
    return newest
  }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    guard !held.version.isExpired(at: now.wall) else {
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

  // MARK: - When it ends

  /// How many of the closest nodes must have been heard before the newest version is the answer.
  ///
  /// Where fewer nodes are known than there may be replicas, all of them are heard. So they are where
  /// those that were heard do not agree: some have come since the record was written, or come back with
  /// an older one, and the newest may be with few.
  ///
  /// There is one version of an immutable record: whoever has it gives it.
  private var neededAnswers: Int {
    if id.kind == .immutable, newest != nil { return 0 }
    let progress = lookup.progress
    let isEnough = progress.expected == lookup.width && progress.isUnanimous
    let half = lookup.width - lookup.width / 2
    // Nobody waits for those that are doubted, unless too few are left without them: then the lookup's end
    // says how many there are.
    return isEnough ? half : max(progress.expected, half)
  }

  /// How the get ends; nil while it goes on.
  ///
  /// A put is confirmed by more than half of the replicas, and a get hears at least the other half
  /// and so one that has it: floor(n/2) + 1 writers and n - floor(n/2) readers overlap.
  ///
  /// Answers count only as far as the neighbourhood is known (`Lookup.progress`): an early answer of
  /// a node that is not one of the K closest would be no vote.
  var outcome: GetOutcome? {
    let answered = lookup.progress.answered
    if hasHeard {
      // With several paths, each may lead to a newer version until its end.
      let isEnough = lookup.pathCount == 1 && neededAnswers <= answered
      guard isEnough || lookup.isFinished else { return nil }
      guard let current, current.isValue else { return .notFound }
      return .found(current)
    }
    guard lookup.isFinished else { return nil }
    // Nodes that did not answer may be the ones that hold it. "Not found" is said by those who
    // would know.
    let holders = min(lookup.width, answered + lookup.missing)
    let needed = holders - holders / 2
    return answered >= needed ? .notFound : .unreachable(answered: answered, needed: needed)
  }
}
