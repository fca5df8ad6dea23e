/// The time as a node is told it with every event: it reads no clock of its own.
@frozen public struct Now: Hashable, Sendable {
  /// For timers and round trips.
  public var monotonic: Instant
  /// For what records carry.
  public var wall: WallTime

  /// One moment by both clocks.
  @inlinable public init(monotonic: Instant, wall: WallTime) {
    self.monotonic = monotonic
    self.wall = wall
  }
}
