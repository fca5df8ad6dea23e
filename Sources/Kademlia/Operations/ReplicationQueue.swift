import DequeModule

/// Records whose holders must be checked, and the number of checks that run.
struct ReplicationQueue: Sendable {
  struct Task: Sendable {
    let id: RecordID
    let reason: ReplicateOperation.Reason
  }

  private var waiting: Deque<Task> = []
  private var running = 0

  /// The number of tasks that may be enqueued now.
  func room(_ parameters: Parameters) -> Int { max(0, parameters.renewalsPerSecond - waiting.count) }

  mutating func enqueue(_ task: Task) { waiting.append(task) }

  /// Takes out the next task and counts it as begun; nil if none may begin.
  mutating func popNext(_ parameters: Parameters) -> Task? {
    // Enough to keep up the rate if each task takes a quarter of a second.
    guard running < max(parameters.parallelRenewals, parameters.renewalsPerSecond / 4),
      let task = waiting.popFirst()
    else { return nil }
    running += 1
    return task
  }

  /// Handles the end of a task that had begun.
  mutating func handleEnd() { running -= 1 }
}
