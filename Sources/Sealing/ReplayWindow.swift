/// Which messages of a session have come, so that none is taken twice.
///
/// Counters are times and leave gaps, so that a map of bits would tell of few messages. The counters of
/// the latest ones are kept instead, and the highest of those that had to make room for them: nothing
/// that is not above that is taken any more. A message may thus be overtaken by `size` - 1 others, as
/// many as with the 64 bits of RFC 4303, however far apart in time they are.
struct ReplayWindow: Sendable {
  /// 64.
  static let size = 64

  /// What is not above this has come, or is too old to know.
  private(set) var floor: UInt64
  /// The counters that came and are above it, ascending from `start` on, as a ring.
  private var recent: [UInt64] = []
  private var start = 0

  /// - Parameter floor: the highest counter that is too old.
  init(above floor: UInt64) { self.floor = floor }

  /// The highest counter that has come; the floor if none has.
  var newest: UInt64 { recent.isEmpty ? floor : recent[slot(recent.count - 1)] }

  /// Whether a message with this counter would be new.
  func isNew(_ counter: UInt64) -> Bool {
    guard counter <= newest else { return true }
    guard counter > floor else { return false }
    for position in recent.indices.reversed() {
      let known = recent[slot(position)]
      if known <= counter { return known < counter }
    }
    return true
  }

  /// A message with a new counter has come, and is what it says it is.
  mutating func insert(_ counter: UInt64) {
    if recent.count < Self.size {
      // The ring begins at its first place until it is full.
      recent.append(counter)
    } else {
      // The oldest makes room, unless this one is older than all of them.
      let oldest = recent[start]
      floor = min(oldest, counter)
      guard counter > oldest else { return }
      recent[start] = counter
      start = (start + 1) % Self.size
    }
    // Almost always it is the newest, and stands where it belongs.
    var position = recent.count - 1
    while position > 0, recent[slot(position - 1)] > counter {
      recent.swapAt(slot(position - 1), slot(position))
      position -= 1
    }
  }

  private func slot(_ position: Int) -> Int { (start + position) % Self.size }
}
