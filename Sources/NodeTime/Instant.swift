/// A point on the monotonic clock of the machine, for timers and round trips.
///
/// The origin is arbitrary. Only differences between instants mean anything.
@frozen public struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the origin.
  public var nanoseconds: Int64

  /// The instant a number of nanoseconds after the origin.
  @inlinable public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// Returns whether the left instant is earlier.
  @inlinable public static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The instant a duration later, or earlier if the duration is negative. It wraps around after 292 years.
  @inlinable public static func + (instant: Instant, duration: Duration) -> Instant {
    Instant(nanoseconds: instant.nanoseconds &+ duration.nanoseconds)
  }

  /// The time from `earlier` to this instant; negative if this instant is earlier.
  @inlinable public func since(_ earlier: Instant) -> Duration {
    .nanoseconds(nanoseconds &- earlier.nanoseconds)
  }
}
