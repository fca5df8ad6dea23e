import NodeTime

/// Finds the nodes closest to a target.
struct FindOperation: Operation {
  /// Whom the nodes are found for.
  enum Reason: Sendable {
    case user, join, refresh
    /// The neighbourhood: it is told that this node is there.
    case announce
    /// A user who wants to know what each holder of a record has.
    case inspect(RecordName)
  }

  var lookup: Lookup
  var authentic: Record?
  let reason: Reason

  init(_ lookup: Lookup, _ reason: Reason) {
    self.lookup = lookup
    self.reason = reason
  }

  private var name: RecordName? {
    if case .inspect(let name) = reason { name } else { nil }
  }

  var kind: RecordKind? { name?.kind }

  var salt: [UInt8] { name?.salt ?? [] }

  var method: Query.Method {
    // No version is newer: a holder tells which it has, and not the value.
    name.map { .get(target: lookup.target, kind: $0.kind, seq: .max) } ?? .findNode(target: lookup.target)
  }

  // Who asks for the closest nodes wants to know it if this is one of them.
  var wantsLocal: Bool { if case .user = reason { true } else { false } }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {}
}
