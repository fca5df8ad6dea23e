import DequeModule
import NodeTime

/// Records that fewer than K nodes hold, because this node knew no more nodes. Their holders are checked
/// again when other nodes have arrived.
struct UnderreplicatedRecords: Sendable {
  private var tasks: Deque<ReplicationQueue.Task> = []
  private var due: Instant?
  /// The number of records still to take out for the latest arrival. A record that is noted again waits for
  /// the next arrival.
  private var left = 0

  /// The most records that are remembered. A forgotten record waits for the round.
  private static let capacity = 1024
  /// The pause after an arrival, in which further nodes may arrive.
  private static let pauseForOthers: Duration = .seconds(5)

  /// The time at which records are due; nil if none are.
  var nextDeadline: Instant? { due }

  mutating func note(_ id: RecordID, _ reason: ReplicateOperation.Reason) {
    guard !tasks.contains(where: { $0.id == id }) else { return }
    tasks.append(ReplicationQueue.Task(id: id, reason: reason))
    if tasks.count > Self.capacity { tasks.removeFirst() }
  }

  /// Handles a node that has entered the routing table.
  mutating func handleArrival(_ now: Instant) {
    guard !tasks.isEmpty else { return }
    left = tasks.count
    if due == nil { due = now + Self.pauseForOthers }
  }

  /// Takes out the records that are due.
  ///
  /// - Parameter room: the most records to take out.
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
