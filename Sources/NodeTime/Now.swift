/// The time that is passed to a node with every event. The node reads no clock of its own.
@frozen public struct Now: Hashable, Sendable {
  /// The time for timers and round trips.
  public var monotonic: Instant
  /// The time for records.
  public var wall: WallTime

  /// A moment by both clocks.
  @inlinable public init(monotonic: Instant, wall: WallTime) {
    self.monotonic = monotonic
    self.wall = wall
  }
}
