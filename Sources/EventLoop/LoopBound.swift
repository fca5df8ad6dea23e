/// A value that belongs to the thread of a loop, as other threads may hold it.
///
/// The value is made, used and released on that thread alone. Once the loop has stopped there is no such thread
/// any more, and the last thread to hold the value releases it.
package struct LoopBound<Value>: Sendable {
  /// The loop that the value belongs to.
  package let loop: EventLoop
  private let owner: Owner

  /// The value, by itself.
  private final class Box {
    let value: Value

    init(_ value: Value) { self.value = value }
  }

  /// Releases the value on the loop's thread.
  ///
  /// `@unchecked`: `LoopBound.value` and `deinit` see to it that the box is touched on that thread alone.
  private final class Owner: @unchecked Sendable {
    private let loop: EventLoop
    /// Retained once, and released by hand: the compiler would release it wherever this object ends.
    private let box: Unmanaged<Box>

    init(_ value: Value, on loop: EventLoop) {
      self.loop = loop
      box = Unmanaged.passRetained(Box(value))
    }

    var value: Value { box.takeUnretainedValue().value }

    deinit {
      guard !loop.isCurrent else { return box.release() }
      nonisolated(unsafe) let box = box
      let isTaken = loop.execute { box.release() }
      if !isTaken { box.release() }
    }
  }

  /// To be made on the loop's thread.
  package init(_ value: Value, on loop: EventLoop) {
    precondition(loop.isCurrent)
    self.loop = loop
    owner = Owner(value, on: loop)
  }

  /// The value, on the loop's thread. Elsewhere it traps.
  package var value: Value {
    precondition(loop.isCurrent)
    return owner.value
  }
}
