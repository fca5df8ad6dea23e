/// The time as a node is told it with every event: it reads no clock of its own.
package struct Now: Hashable, Sendable {
  /// For timers and round trips.
  package var monotonic: Instant
  /// For what records carry.
  package var wall: WallTime

  package init(monotonic: Instant, wall: WallTime) {
    self.monotonic = monotonic
    self.wall = wall
  }
}
