/// A point on the monotonic clock of the machine, for timers and round trips.
///
/// The origin is the shell's to choose; only differences mean anything.
package struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the origin.
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  package static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  package static func + (instant: Instant, duration: Duration) -> Instant {
    Instant(nanoseconds: instant.nanoseconds &+ duration.nanoseconds)
  }

  /// The time from `earlier` to this instant; negative if this one is the earlier.
  package func since(_ earlier: Instant) -> Duration {
    .nanoseconds(nanoseconds &- earlier.nanoseconds)
  }
}
