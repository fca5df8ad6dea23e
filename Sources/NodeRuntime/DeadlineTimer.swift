import EventLoop
import NodeTime

/// A timer for a deadline that changes with almost every event.
///
/// A timer that is set for earlier than the deadline stays. When it fires nothing is due, and the next timer
/// is set. Most deadlines belong to queries that are answered, and moving the timer for each would cost
/// more.
struct DeadlineTimer {
  /// Called at the deadline or before it.
  var callBack: () -> Void = {}
  private let loop: EventLoop
  private var timer: (deadline: Instant, timer: LoopTimer)?

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Sets the timer for a deadline. Call it at the end of each iteration.
  mutating func set(for deadline: Instant) {
    if let timer, !timer.timer.isDone, timer.deadline <= deadline { return }
    cancel()
    timer = (deadline, loop.schedule(at: deadline, callBack))
  }

  mutating func cancel() {
    timer?.timer.cancel()
    timer = nil
  }
}
