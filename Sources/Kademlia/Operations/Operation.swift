import NodeTime

/// A lookup and its purpose. Every operation is a lookup: a get and a put ask for a record on the way, and a
/// put then stores its record at the nodes that it found.
///
/// An operation is large, and each answer changes it. It is therefore changed in place.
protocol Operation {
  var lookup: Lookup { get set }
  /// The last returned record whose signature was checked and is valid.
  var authentic: Record? { get set }
  /// The kind of record that a node must keep in order to count; nil if every node counts.
  var kind: RecordKind? { get }
  /// The salt of the signed record that the operation is about; empty for any other operation.
  var salt: [UInt8] { get }
  /// The query that is sent to each node on the way.
  var method: Query.Method { get }
  /// True if a node counts only with a write token.
  var needsToken: Bool { get }
  /// True if only nodes of this implementation count. Only they know the expiry of a record.
  var wantsOurMake: Bool { get }
  /// True if the operation is still looking for its nodes.
  var isLocating: Bool { get }
  /// True if this node is found like any other, although the query asks for no record.
  var wantsLocal: Bool { get }

  /// Returns the next node to ask, which counts as asked from here on; nil if none should be asked now.
  mutating func nextCandidate() -> Lookup.Candidate?

  /// Handles a credible version that a holder has reported.
  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters)
}

extension Operation {
  /// The furthest ahead of this node's clock that the seq of a plain version is believed from anyone, in
  /// microseconds.
  static var trustedLead: Int64 { 2_000_000 }

  var needsToken: Bool { true }

  var wantsOurMake: Bool { false }

  var isLocating: Bool { true }

  var wantsLocal: Bool { false }

  mutating func update(_ change: (inout Lookup) -> Void) { change(&lookup) }

  mutating func nextCandidate() -> Lookup.Candidate? { lookup.next() }

  /// Notes the version that a holder has reported. A version that is not believed yet is kept for
  /// `believeMajority`.
  ///
  /// - Returns: the same version; nil if it cannot belong to the target.
  mutating func note(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) -> HeldRecord? {
    if case .record(let record) = held, record.target != lookup.target || record.id.kind != kind {
      return nil
    }
    if isBelieved(held.version, now) {
      handleHeld(held, now, parameters)
    } else {
      lookup.hasDoubtfulReports = true
    }
    return held
  }

  /// Returns whether a version is believed from a single node.
  ///
  /// A signed version is shown with its signature, so that only its owner can make one that blocks all later
  /// writes. Anyone can make a plain version whose seq is far ahead of the clock.
  private func isBelieved(_ version: RecordVersion, _ now: Now) -> Bool {
    kind != .plain || version.seq <= now.wall.microseconds + Self.trustedLead
  }

  /// Believes the versions ahead of the clock that more than half of the nodes heard report: the clock of this node
  /// may be wrong, or the writer's may have been.
  mutating func believeMajority(_ now: Now, _ parameters: Parameters) {
    guard lookup.hasDoubtfulReports else { return }
    let limit = now.wall.microseconds + Self.trustedLead
    for held in lookup.reports(believing: limit) { handleHeld(held, now, parameters) }
  }

  /// Interprets an answer for the lookup; nil if the node only routes for it.
  mutating func answer(from response: Response, _ now: Now, _ parameters: Parameters) -> Lookup.Answer? {
    guard let kind else { return Lookup.Answer() }
    guard response.keeps(kind) else { return nil }
    if response.token == nil {
      // A node that will not store for us is no replica. Reads must skip it as writes do, or the two would not
      // overlap.
      guard !needsToken, case .record = response.held else { return nil }
    }
    if wantsOurMake, !response.isOfOurMake { return nil }
    var held: HeldRecord?
    if let told = response.held { held = note(told, now, parameters) }
    return Lookup.Answer(
      token: response.token, held: held, isOfOurMake: response.isOfOurMake,
      isNew: response.isNew && response.held == nil)
  }
}

extension Response {
  /// Returns whether the responder keeps records of a kind.
  func keeps(_ kind: RecordKind) -> Bool {
    switch kind {
    case .plain: keepsPlainRecords
    case .immutable, .signed: true
    }
  }

  /// True if the responder runs this implementation. Only such a node knows of an expiry.
  var isOfOurMake: Bool { keepsPlainRecords }
}
