/// Something that belongs to the thread of a loop, as others may hold it.
///
/// `@unchecked`: whatever it is, it is made and reached on that thread alone, and each access checks that it is.
package struct LoopBound<Value>: @unchecked Sendable {
  /// The loop that it belongs to.
  package let loop: EventLoop
  private let bound: Value

  /// To be made on the loop's thread.
  package init(_ value: Value, on loop: EventLoop) {
    precondition(loop.isCurrent)
    self.loop = loop
    bound = value
  }

  /// What it is, on the loop's thread. Elsewhere it traps.
  package var value: Value {
    precondition(loop.isCurrent)
    return bound
  }
}
