/// The messages of a session that were received, so that none is accepted twice.
///
/// Counters are times and leave gaps, so a bitmap would cover few messages. The window keeps the counters of
/// the latest messages, and the highest counter that it has dropped: only counters above that are accepted.
/// So `size` - 1 later messages may overtake a message, as many as with the 64 bits of RFC 4303, however far
/// apart in time they are.
struct ReplayWindow: Sendable {
  /// The number of counters that are kept: 64.
  static let size = 64

  /// Messages up to this counter were received, or are too old to check.
  private(set) var floor: UInt64
  /// The received counters above the floor, ascending from `start` on, in a ring.
  private var recent: [UInt64] = []
  private var start = 0

  /// - Parameter floor: the highest counter that is too old.
  init(above floor: UInt64) { self.floor = floor }

  /// The highest counter received; the floor if there is none.
  var newest: UInt64 { recent.isEmpty ? floor : recent[slot(recent.count - 1)] }

  /// Returns whether a message with this counter is new.
  func isNew(_ counter: UInt64) -> Bool {
    guard counter <= newest else { return true }
    guard counter > floor else { return false }
    for position in recent.indices.reversed() {
      let known = recent[slot(position)]
      if known <= counter { return known < counter }
    }
    return true
  }

  /// Records a new counter. Call it when the message has been authenticated.
  mutating func insert(_ counter: UInt64) {
    if recent.count < Self.size {
      // The ring starts at index 0 until it is full.
      recent.append(counter)
    } else {
      // The oldest counter is dropped, unless the new one is older than all of them.
      let oldest = recent[start]
      floor = min(oldest, counter)
      guard counter > oldest else { return }
      recent[start] = counter
      start = (start + 1) % Self.size
    }
    // The new counter is almost always the newest, and then already in its place.
    var position = recent.count - 1
    while position > 0, recent[slot(position - 1)] > counter {
      recent.swapAt(slot(position - 1), slot(position))
      position -= 1
    }
  }

  private func slot(_ position: Int) -> Int { (start + position) % Self.size }
}
