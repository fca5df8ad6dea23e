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
  /// True if only nodes of this implementation count. Only they know the expiry of a record.
  var wantsOurMake: Bool { get }
  /// True if the operation is still looking for its nodes.
  var isLocating: Bool { get }
  /// True if this node is found like any other, although the query asks for no record.
  var wantsLocal: Bool { get }

  /// Returns the next node to ask, which counts as asked from here on; nil if none is to be asked now.
  mutating func nextCandidate() -> Lookup.Candidate?

  /// Handles a credible version that a holder has reported.
  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters)
}

extension Operation {
  var wantsOurMake: Bool { false }

  var isLocating: Bool { true }

  var wantsLocal: Bool { false }

  mutating func update(_ change: (inout Lookup) -> Void) { change(&lookup) }

  mutating func nextCandidate() -> Lookup.Candidate? { lookup.next() }

  /// Notes the version that a holder has reported.
  ///
  /// - Returns: the same version; nil if it is not credible.
  mutating func note(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) -> HeldRecord? {
    // A signed version is shown with its signature before it is believed, so that only its owner can make one
    // that blocks all later writes. Plain versions need a limit.
    let latest = now.wall.microseconds + parameters.clockSkew * 1_000_000
    if kind == .plain, held.version.seq > latest { return nil }
    if case .record(let record) = held, record.target != lookup.target || record.id.kind != kind {
      return nil
    }
    handleHeld(held, now, parameters)
    return held
  }

  /// Interprets an answer for the lookup; nil if the node only routes for it.
  mutating func answer(from response: Response, _ now: Now, _ parameters: Parameters) -> Lookup.Answer? {
    guard let kind else { return Lookup.Answer() }
    // A node that will not store for us is no replica. Reads must skip it as writes do, or the two would not
    // overlap.
    guard let token = response.token, response.keeps(kind) else { return nil }
    if wantsOurMake, !response.isOfOurMake { return nil }
    var held: HeldRecord?
    if let told = response.held { held = note(told, now, parameters) }
    return Lookup.Answer(token: token, held: held, isOfOurMake: response.isOfOurMake)
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
