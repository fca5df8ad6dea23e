import DequeModule
import NodeTime

/// Records that fewer than K nodes hold, because this node knew no more. They are looked after again when
/// other nodes have come.
struct UnderreplicatedRecords: Sendable {
  private var tasks: Deque<ReplicationQueue.Task> = []
  private var due: Instant?
  /// How many of them were known when others came: a record that is noted again waits for the next to come.
  private var left = 0

  /// The most records that are remembered. A record that is forgotten waits for the round.
  private static let capacity = 1024
  /// Nodes that come together are waited for.
  private static let pauseForOthers: Duration = .seconds(5)

  /// When records are due; nil if none are.
  var nextDeadline: Instant? { due }

  mutating func note(_ id: RecordID, _ reason: ReplicateOperation.Reason) {
    guard !tasks.contains(where: { $0.id == id }) else { return }
    tasks.append(ReplicationQueue.Task(id: id, reason: reason))
    if tasks.count > Self.capacity { tasks.removeFirst() }
  }

  /// Another node has entered the routing table.
  mutating func handleArrival(_ now: Instant) {
    guard !tasks.isEmpty else { return }
    left = tasks.count
    if due == nil { due = now + Self.pauseForOthers }
  }

  /// Takes out the records that are due.
  ///
  /// - Parameter room: the most that are taken.
  mutating func takeDue(_ now: Instant, room: Int) -> [ReplicationQueue.Task] {
    guard let time = due, time <= now else { return [] }
    let count = min(room, left, tasks.count)
    let taken = Array(tasks.prefix(count))
    tasks.removeFirst(count)
    left = min(left - count, tasks.count)
    due = left > 0 ? now + Self.pauseForOthers : nil
    return taken
  }
}
