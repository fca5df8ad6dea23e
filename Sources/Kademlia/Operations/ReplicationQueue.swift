import DequeModule

/// Records whose holders are to be looked after, and how many of them are.
struct ReplicationQueue: Sendable {
  struct Task: Sendable {
    let id: RecordID
    let reason: ReplicateOperation.Reason
  }

  private var waiting: Deque<Task> = []
  private var running = 0

  /// How many more may be enqueued now.
  func room(_ parameters: Parameters) -> Int { max(0, parameters.renewalsPerSecond - waiting.count) }

  mutating func enqueue(_ task: Task) { waiting.append(task) }

  /// Takes the next task out, if one may begin; it counts as begun.
  mutating func popNext(_ parameters: Parameters) -> Task? {
    // So many that a quarter of a second for each is enough to keep to the rate.
    guard running < max(parameters.parallelRenewals, parameters.renewalsPerSecond / 4),
      let task = waiting.popFirst()
    else { return nil }
    running += 1
    return task
  }

  /// A task that had begun has ended.
  mutating func handleEnd() { running -= 1 }
}
