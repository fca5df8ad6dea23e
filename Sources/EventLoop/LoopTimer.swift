/// Something that is to be done at a point in time. Belongs to the thread of its loop.
package final class LoopTimer {
  private unowned let loop: EventLoop
  private var body: (() -> Void)?

  init(_ loop: EventLoop, _ body: @escaping () -> Void) {
    self.loop = loop
    self.body = body
  }

  /// It is not done, if it has not been.
  package func cancel() {
    guard body != nil else { return }
    body = nil
    loop.timerWasCancelled()
  }

  /// Whether it has gone off or was cancelled.
  package var isDone: Bool { body == nil }

  func run() {
    let body = body
    self.body = nil
    body?()
  }
}
