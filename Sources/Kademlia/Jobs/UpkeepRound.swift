import NodeTime

/// A round over a table of the store in the order of its IDs. It is spread evenly over an interval, so that
/// each entry is visited about once in it, and a large table stalls nothing else.
struct UpkeepRound: Sendable {
  /// The next entry to visit.
  private(set) var next: RecordID
  /// The time of the next step.
  private(set) var nextStep: Instant
  private var lastStep: Instant
  /// The number of entries that are due for a visit. It includes a fraction of an entry.
  private var credit = 0.0

  /// The shortest time between two steps, whatever the size of the table. The longest is a fraction of the
  /// interval.
  private static let shortestStep: Duration = .seconds(1)
  private static let stepsOfEmptyRound: Int64 = 60

  init(_ now: Instant, from next: RecordID, interval: Duration) {
    self.next = next
    lastStep = now
    nextStep = now + Self.shortestStep
    plan(now, entries: 0, interval: interval)
  }

  /// Uses another interval.
  mutating func adopt(_ now: Instant, interval: Duration) {
    let planned = nextStep
    plan(now, entries: 0, interval: interval)
    nextStep = min(nextStep, planned)
  }

  private mutating func plan(_ now: Instant, entries: Int, interval: Duration) {
    let parts = max(Self.stepsOfEmptyRound, Int64(entries))
    nextStep = now + max(Self.shortestStep, .nanoseconds(interval.nanoseconds / parts))
  }

  /// Computes the number of entries that a step should visit now.
  ///
  /// - Parameters:
  ///   - entries: the number of entries in the table.
  ///   - most: the most entries that one step may visit, so that it delays nothing else.
  mutating func step(_ now: Instant, entries: Int, interval: Duration, most: Int) -> Int {
    let elapsed = now.since(lastStep)
    lastStep = now
    plan(now, entries: entries, interval: interval)
    let share = Double(elapsed.nanoseconds) / Double(max(1, interval.nanoseconds))
    // No entry is due twice, however long the machine has slept.
    credit = min(credit + share * Double(entries), Double(entries))
    return min(Int(credit), most)
  }

  /// Notes that an entry was visited.
  mutating func visited(_ id: RecordID) {
    next = id.next ?? .first
    credit = max(0, credit - 1)
  }

  /// Notes that no entry follows the last one visited: the next round begins.
  mutating func reachedEnd() {
    next = .first
  }
}
