/// A record whose holders are looked after: each of the K closest that has an older version or none
/// gets the newest. What a holder does to replicate, and a publisher to republish.
struct Renewal: Sendable {
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
  /// The greatest seq of a version that holders told of, an expired one too.
  private var highestSeq: Int64

  init(_ record: Record, _ reason: Reason) {
    self.record = record
    self.reason = reason
    newest = record
    highestSeq = record.version.seq
  }

  mutating func heard(_ held: HeldRecord, isLive: Bool) {
    highestSeq = max(highestSeq, held.version.seq)
    guard isLive, case .record(let record) = held, record.id == newest.id, record.supersedes(newest)
    else { return }
    newest = record
  }

  /// Whether a holder told of a newer version than the one that this began with.
  var isOutdated: Bool { highestSeq > record.version.seq || newest != record }

  /// Whether the newest version is at hand: one that has expired meanwhile hides it from readers, and
  /// nobody is given what is hidden.
  var isHidden: Bool { highestSeq > newest.version.seq }
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
