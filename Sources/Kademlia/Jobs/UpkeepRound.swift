import NodeTime

/// A round over a table of the store in the order of its IDs, spread evenly over an interval, so that
/// each entry is visited about once in it and a large table stalls nobody.
struct UpkeepRound: Sendable {
  /// The next entry to visit.
  private(set) var next: RecordID
  /// When to go on.
  private(set) var nextStep: Instant
  private var lastStep: Instant
  /// How many entries are due for a visit; the fraction of one counts.
  private var credit = 0.0

  /// At most this often, whatever the table's size; and at least a fraction of the interval apart.
  private static let shortestStep: Duration = .seconds(1)
  private static let stepsOfEmptyRound: Int64 = 60

  init(_ now: Instant, from next: RecordID, interval: Duration) {
    self.next = next
    lastStep = now
    nextStep = now + Self.shortestStep
    plan(now, entries: 0, interval: interval)
  }

  /// Works by another interval.
  mutating func adopt(_ now: Instant, interval: Duration) {
    let planned = nextStep
    plan(now, entries: 0, interval: interval)
    nextStep = min(nextStep, planned)
  }

  private mutating func plan(_ now: Instant, entries: Int, interval: Duration) {
    let parts = max(Self.stepsOfEmptyRound, Int64(entries))
    nextStep = now + max(Self.shortestStep, .nanoseconds(interval.nanoseconds / parts))
  }

  /// A step is due: how many entries it should visit.
  ///
  /// - Parameters:
  ///   - entries: how many the table has.
  ///   - most: how many one step may visit, so that it does not hold up anything else.
  mutating func step(_ now: Instant, entries: Int, interval: Duration, most: Int) -> Int {
    let elapsed = now.since(lastStep)
    lastStep = now
    plan(now, entries: entries, interval: interval)
    let share = Double(elapsed.nanoseconds) / Double(max(1, interval.nanoseconds))
    // However long the machine has slept, no entry is due twice.
    credit = min(credit + share * Double(entries), Double(entries))
    return min(Int(credit), most)
  }

  /// An entry was visited.
  mutating func visited(_ id: RecordID) {
    next = id.next ?? .first
    credit = max(0, credit - 1)
  }

  /// There is nothing after the last one that was visited: the next round begins.
  mutating func reachedEnd() {
    next = .first
  }
}
