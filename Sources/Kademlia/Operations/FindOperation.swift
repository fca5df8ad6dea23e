import NodeTime

/// Finds the nodes closest to a target.
struct FindOperation: Operation {
  /// The purpose of a find.
  enum Reason: Sendable {
    case user, join, refresh
    /// Makes this node known to its neighbourhood.
    case announce
    /// Shows a user which version each holder of a record has.
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
    // No seq is greater than this one, so that a holder names its version and leaves the value out.
    name.map { .get(target: lookup.target, kind: $0.kind, seq: .max) } ?? .findNode(target: lookup.target)
  }

  // A user who asks for the closest nodes wants to see this node, too, if it is one of them.
  var wantsLocal: Bool { if case .user = reason { true } else { false } }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {}
}
