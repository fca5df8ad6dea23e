import DequeModule
import NodeTime

/// Nodes that are no contacts and left a query unanswered. Other nodes go on naming them, and no lookup
/// should wait for a node that another lookup has waited for in vain.
struct UnresponsivePeers: Sendable {
  /// The most nodes that are remembered; the oldest entry makes room.
  private static let capacity = 256
  /// The time for which a node is remembered.
  private static let memory: Duration = .seconds(300)
  private var times: [NodeID: Instant] = [:]
  private var notes: Deque<(id: NodeID, time: Instant)> = []

  /// Notes a node with a query past its first soft timeout, or a contact that was removed.
  mutating func note(_ now: Instant, _ id: NodeID) {
    times[id] = now
    notes.append((id, now))
    while let oldest = notes.first, notes.count > Self.capacity || now.since(oldest.time) >= Self.memory {
      notes.removeFirst()
      // It may have been noted again since.
      if times[oldest.id] == oldest.time { times[oldest.id] = nil }
    }
  }

  /// Handles a node that has answered after all.
  mutating func handleAnswer(of id: NodeID) {
    guard !times.isEmpty else { return }
    times[id] = nil
  }

  /// Returns whether a node is one of them.
  func contains(_ now: Instant, _ id: NodeID) -> Bool {
    guard !times.isEmpty, let time = times[id] else { return false }
    return now.since(time) < Self.memory
  }
}
