/// A callback at a point in time. It belongs to the thread of its loop.
package final class LoopTimer {
  private unowned let loop: EventLoop
  private var body: (() -> Void)?

  init(_ loop: EventLoop, _ body: @escaping () -> Void) {
    self.loop = loop
    self.body = body
  }

  /// Cancels the callback if it has not run.
  package func cancel() {
    guard body != nil else { return }
    body = nil
    loop.handleTimerCancellation()
  }

  /// True if the callback has run or was cancelled.
  package var isDone: Bool { body == nil }

  func run() {
    let body = body
    self.body = nil
    body?()
  }
}
