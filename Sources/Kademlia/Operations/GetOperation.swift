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
  /// True if a holder has reported an expired version, which may hide older ones.
  private var hasHeardExpired = false

  init(_ lookup: Lookup, _ name: RecordName, _ id: RecordID, isTraced: Bool = false, isGuarded: Bool = false)
  {
    self.lookup = lookup
    self.name = name
    self.id = id
    self.isTraced = isTraced
    self.isGuarded = isGuarded
  }

  var kind: RecordKind? { id.kind }

  // A record that is shown counts, even if its holder will not store for this node.
  var needsToken: Bool { false }

  var salt: [UInt8] { name.salt }

  var method: Query.Method { .get(target: lookup.target, kind: id.kind, seq: nil) }

  mutating func nextCandidate() -> Lookup.Candidate? {
    if hasHeard, lookup.pathCount == 1 {
      // Once a version is known, only the nodes that must be heard are asked, and a few extra ones. Where too few of
      // those that were heard count, the lookup goes on to its end.
      let progress = lookup.progress
      let wanted = min(neededAnswers(progress) + extraQueries, lookup.width)
      guard progress.promised < wanted || isShortOfVotes(progress) else { return nil }
    }
    return lookup.next()
  }

  /// Returns whether as many nodes have answered as must be heard, but too few of them count.
  private func isShortOfVotes(_ progress: Lookup.Progress) -> Bool {
    // Where no node is silent, every node that must be heard counts.
    guard progress.silent > 0 || !lookup.absentees.isEmpty else { return false }
    return neededAnswers(progress) <= progress.answered
      && !lookup.electorate(most: lookup.width).isReadable
  }

  // MARK: - Answers of the holders

  /// True if any holder has reported a version.
  var hasHeard: Bool { newest != nil || hasHeardExpired }

  /// The newest live version, even if it is a deletion; nil if an expired version hides it.
  ///
  /// An expired version hides older ones only if more than half of the nodes that answered report one. A single
  /// node could otherwise hide any key.
  var current: Record? {
    guard let newest else { return nil }
    guard hasHeardExpired else { return newest }
    var answers = 0
    var hiding = 0
    for candidate in lookup.candidates where candidate.state == .answered {
      guard answers < lookup.width else { break }
      answers += 1
      if let held = candidate.held, held.seq > newest.version.seq { hiding += 1 }
    }
    return 2 * hiding > answers ? nil : newest
  }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    // A holder leaves the value out once the record has expired by its clock. This node's clock does not judge
    // again: the value lives as long as was promised, whatever the time here.
    guard case .record(let record) = held else {
      // No signature covers an expiry: a version that one holder reports as expired hides nothing that others
      // still have.
      if id.kind == .plain { hasHeardExpired = true }
      return
    }
    guard record.id == id else { return }
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
  private func neededAnswers(_ progress: Lookup.Progress) -> Int {
    if id.kind == .immutable, newest != nil { return 0 }
    let isEnough = progress.expected == lookup.width && progress.isUnanimous
    let half = lookup.width - lookup.width / 2
    // Silent nodes are not waited for, unless too few others are left. The end of the lookup then says how many
    // nodes there are.
    return isEnough ? half : max(progress.expected - progress.silent, half)
  }

  /// The outcome; nil while the get goes on.
  ///
  /// A put is confirmed by floor(n/2) + 1 of n replicas. A get hears n - floor(n/2) of them, so that at least
  /// one of these has every confirmed version.
  ///
  /// Answers count only as far as the neighbourhood is known (`Lookup.progress`). An early answer of a node
  /// that is not one of the K closest must not count as a vote.
  ///
  /// - Parameter standing: the place of this node in its network.
  func outcome(_ standing: Standing, k: Int) -> GetOutcome? {
    // No version of an immutable record can be newer.
    if id.kind == .immutable, let newest { return .found(newest) }
    // Each of several paths may lead to a newer version until it ends.
    if hasHeard, lookup.pathCount == 1 {
      let progress = lookup.progress
      if neededAnswers(progress) <= progress.answered, !isShortOfVotes(progress) {
        return outcome(isReadable: !standing.isCutOff, lookup.electorate(most: k))
      }
    }
    guard lookup.isFinished else { return nil }
    let electorate = lookup.electorate(most: k)
    // In a network of one there is nobody else to ask.
    let isHeard = electorate.otherVotes > 0 || standing == .onlyNode
    return outcome(isReadable: electorate.isReadable && isHeard && !standing.isCutOff, electorate)
  }

  private func outcome(isReadable: Bool, _ electorate: Lookup.Electorate) -> GetOutcome {
    let current = current
    if let current, current.isValue {
      return isReadable ? .found(current) : .unconfirmed(current)
    }
    guard isReadable else {
      return .unreachable(
        answered: electorate.votes, needed: max(electorate.neededVotes, electorate.votes + 1))
    }
    return .notFound
  }
}
