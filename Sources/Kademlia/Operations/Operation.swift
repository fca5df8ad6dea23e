import NodeTime

/// A lookup and what it is for. Every operation is one: a get and a put are lookups that ask for a record on
/// their way, and a put then stores at what it found.
///
/// An operation is changed in place while it runs: it is large, and each answer changes it.
protocol Operation {
  var lookup: Lookup { get set }
  /// The last record that a node returned whose signature was checked and is right.
  var authentic: Record? { get set }
  /// The kind of record that nodes must keep in order to count; nil if any node does.
  var kind: RecordKind? { get }
  /// The salt of the signed record that it is about; empty if none.
  var salt: [UInt8] { get }
  /// The query that each node on the way is sent.
  var method: Query.Method { get }
  /// Whether only nodes like this one count: they alone know how long a record lives.
  var wantsOurMake: Bool { get }
  /// Whether its nodes are still to be found.
  var isLocating: Bool { get }
  /// Whether this node is found like any other, though no record is asked for.
  var wantsLocal: Bool { get }

  /// The next node to ask, if any is to be asked now; it counts as asked from here on.
  mutating func nextCandidate() -> Lookup.Candidate?

  /// A holder has told of a version that can be believed.
  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters)
}

extension Operation {
  var wantsOurMake: Bool { false }

  var isLocating: Bool { true }

  var wantsLocal: Bool { false }

  mutating func update(_ change: (inout Lookup) -> Void) { change(&lookup) }

  mutating func nextCandidate() -> Lookup.Candidate? { lookup.next() }

  /// Notes what a holder said it has.
  ///
  /// - Returns: the same; nil if it cannot be believed.
  mutating func note(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) -> HeldRecord? {
    // Versions of a signed record that are believed are shown, and signed: only its owner can make one that
    // stands in everybody's way.
    let latest = now.wall.microseconds + parameters.clockSkew * 1_000_000
    if kind == .plain, held.version.seq > latest { return nil }
    if case .record(let record) = held, record.target != lookup.target || record.id.kind != kind {
      return nil
    }
    handleHeld(held, now, parameters)
    return held
  }

  /// What an answer means to the lookup; nil from a node that only routes for it.
  mutating func answer(from response: Response, _ now: Now, _ parameters: Parameters) -> Lookup.Answer? {
    guard let kind else { return Lookup.Answer() }
    // A node that will not store for us is no replica, and a reader must pass it over as the writer
    // did, or the two would not meet.
    guard let token = response.token, response.keeps(kind) else { return nil }
    if wantsOurMake, !response.isOfOurMake { return nil }
    var held: HeldRecord?
    if let told = response.held { held = note(told, now, parameters) }
    return Lookup.Answer(token: token, held: held, isOfOurMake: response.isOfOurMake)
  }
}

extension Response {
  /// Whether the node that answered keeps records of a kind.
  func keeps(_ kind: RecordKind) -> Bool {
    switch kind {
    case .plain: keepsPlainRecords
    case .immutable, .signed: true
    }
  }

  /// Whether the node that answered is one like this: it alone knows of an expiry.
  var isOfOurMake: Bool { keepsPlainRecords }
}
