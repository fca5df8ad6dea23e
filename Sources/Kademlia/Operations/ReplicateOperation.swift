import NodeTime

/// Looks after the holders of a record: each of the K closest that has an older version or none is given the
/// newest. A holder does it to replicate, and a publisher to republish.
struct ReplicateOperation: Operation {
  /// Why it is done.
  enum Reason: Sendable {
    /// This node holds the record.
    case replicate
    /// This node's users stored it, and were promised that it lives so long.
    case republish
  }

  var lookup: Lookup
  var authentic: Record?
  let record: Record
  let reason: Reason
  /// The newest live version that any holder told of, or our own.
  private(set) var newest: Record

  init(_ lookup: Lookup, _ record: Record, _ reason: Reason) {
    self.lookup = lookup
    self.record = record
    self.reason = reason
    newest = record
  }

  var kind: RecordKind? { record.id.kind }

  var salt: [UInt8] { record.name.salt }

  var method: Query.Method {
    .get(target: lookup.target, kind: record.id.kind, seq: record.version.seq)
  }

  var wantsOurMake: Bool { reason == .replicate }

  mutating func handleHeld(_ held: HeldRecord, _ now: Now, _ parameters: Parameters) {
    guard !held.version.isExpired(at: now.wall), case .record(let record) = held, record.id == newest.id,
      record.supersedes(newest)
    else { return }
    newest = record
  }
}

extension HeldRecord {
  /// Whether a version takes the place of what is held.
  func isOlder(than record: Record) -> Bool {
    switch self {
    case .record(let held): record.supersedes(held)
    case .version(let version): version.seq < record.version.seq
    }
  }
}
