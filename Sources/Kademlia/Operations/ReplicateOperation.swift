import NodeTime

/// Gives the newest version of a record to those of the K closest nodes that have an older one or none. A
/// holder does this to replicate, and a publisher to republish.
struct ReplicateOperation: Operation {
  /// The reason for the operation.
  enum Reason: Sendable {
    /// This node holds the record.
    case replicate
    /// This node's users stored the record, and were promised that it lives until its expiry.
    case republish
  }

  var lookup: Lookup
  var authentic: Record?
  let record: Record
  let reason: Reason
  /// The newest live version that any holder has reported, or our own.
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
  /// Returns whether a record replaces the version held.
  func isOlder(than record: Record) -> Bool {
    switch self {
    case .record(let held): record.supersedes(held)
    case .version(let version): version.seq < record.version.seq
    }
  }
}
