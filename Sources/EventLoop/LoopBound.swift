/// A value that belongs to the thread of a loop. Other threads may hold a reference to it.
///
/// The value is made, used and released on that thread alone. After the loop has stopped, the last thread to
/// hold the value releases it.
package struct LoopBound<Value>: Sendable {
  /// The loop that the value belongs to.
  package let loop: EventLoop
  private let owner: Owner

  /// Boxes the value.
  private final class Box {
    let value: Value

    init(_ value: Value) { self.value = value }
  }

  /// Releases the value on the loop's thread.
  ///
  /// `@unchecked`: `LoopBound.value` and `deinit` make sure that only that thread touches the box.
  ///
  /// `@safe`: `init` retains the box, and `deinit` releases it once on each path.
  @safe private final class Owner: @unchecked Sendable {
    private let loop: EventLoop
    /// Retained once and released by hand, because the compiler would release it on any thread.
    private let box: Unmanaged<Box>

    init(_ value: Value, on loop: EventLoop) {
      self.loop = loop
      unsafe box = Unmanaged.passRetained(Box(value))
    }

    var value: Value { unsafe box.takeUnretainedValue().value }

    deinit {
      guard !loop.isCurrent else { return unsafe box.release() }
      // Only one thread uses this copy: the loop's, or this one if the loop has stopped.
      nonisolated(unsafe) let box = unsafe box
      let isTaken = loop.execute { unsafe box.release() }
      if !isTaken { unsafe box.release() }
    }
  }

  /// Binds a value to a loop. Call it on the loop's thread.
  package init(_ value: Value, on loop: EventLoop) {
    precondition(loop.isCurrent)
    self.loop = loop
    owner = Owner(value, on: loop)
  }

  /// The value. Reading it on another thread traps.
  package var value: Value {
    precondition(loop.isCurrent)
    return owner.value
  }
}
