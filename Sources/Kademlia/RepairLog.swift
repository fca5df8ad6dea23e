import DequeModule
package import NodeTime

/// Which holders were sent a repair of which target lately, so that a holder that will not take it
/// is not sent one with every read.
package struct RepairLog: Sendable {
  private struct Entry: Hashable {
    let holder: NodeID
    let target: RecordID
  }

  /// A holder gets a repair of the same target at most this often.
  var interval: Duration
  private let capacity: Int
  private var times: [Entry: Instant] = [:]
  /// In order of time, so that the oldest makes room.
  private var order: Deque<(entry: Entry, time: Instant)> = []

  package init(interval: Duration, capacity: Int) {
    self.interval = interval
    self.capacity = capacity
  }

  /// How many pairs of holder and target are remembered.
  package var count: Int { times.count }

  /// Whether a repair may be sent now; it counts as sent if so.
  package mutating func permits(_ now: Instant, holder: NodeID, target: RecordID) -> Bool {
    let entry = Entry(holder: holder, target: target)
    if let last = times[entry], now < last + interval { return false }
    times[entry] = now
    order.append((entry, now))
    while order.count > capacity, let oldest = order.popFirst() {
      if times[oldest.entry] == oldest.time { times[oldest.entry] = nil }
    }
    return true
  }
}
