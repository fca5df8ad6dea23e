/// A record whose holders are looked after: each of the K closest that has an older version or none
/// gets the newest. What a holder does to replicate, and a publisher to republish.
final class Renewal {
  /// Why it is done.
  enum Reason: Sendable {
    /// This node holds the record.
    case replicate
    /// This node's users stored it, and were promised that it lives so long.
    case republish
  }

  let record: Record
  let reason: Reason
  /// The newest live version that any holder told of, or our own.
  private(set) var newest: Record

  init(_ record: Record, _ reason: Reason) {
    self.record = record
    self.reason = reason
    newest = record
  }

  func heard(_ held: HeldRecord, isLive: Bool) {
    guard isLive, case .record(let record) = held, record.id == newest.id, record.supersedes(newest)
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
