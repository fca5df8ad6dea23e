import DequeModule

/// Nodes that are no contacts and have left a query unanswered: others go on telling of them, and no lookup
/// should wait for one that another has waited for.
struct SilentStrangers: Sendable {
  /// So many are remembered, the latest.
  private static let capacity = 256
  /// After this long one is a stranger like any other again.
  private static let memory: Duration = .seconds(300)
  private var times: [NodeID: Instant] = [:]
  private var notes: Deque<(id: NodeID, time: Instant)> = []

  /// A query to one is past its soft timeout.
  mutating func note(_ now: Instant, _ id: NodeID) {
    times[id] = now
    notes.append((id, now))
    while let oldest = notes.first, notes.count > Self.capacity || now.since(oldest.time) >= Self.memory {
      notes.removeFirst()
      // It may have been noted again since.
      if times[oldest.id] == oldest.time { times[oldest.id] = nil }
    }
  }

  /// It has answered after all.
  mutating func answered(_ id: NodeID) {
    guard !times.isEmpty else { return }
    times[id] = nil
  }

  /// Whether a node is one of them.
  func contains(_ now: Instant, _ id: NodeID) -> Bool {
    guard !times.isEmpty, let time = times[id] else { return false }
    return now.since(time) < Self.memory
  }
}
