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

extension Duration {
  /// The whole duration in nanoseconds, capped at what 64 bits hold (292 years).
  package var nanoseconds: Int64 {
    Int64(clamping: attoseconds / 1_000_000_000)
  }

  /// The duration in milliseconds, with a fraction: for people and for metrics.
  package var milliseconds: Double { Double(nanoseconds) / 1e6 }
}

extension Duration {
  /// The duration in seconds as a person reads it: `5 s`, `0.5 s`.
  package var inSeconds: String {
    let (seconds, attoseconds) = components
    return attoseconds == 0 ? "\(seconds) s" : "\(milliseconds / 1000) s"
  }
}

/// A point in civil time, for what records carry: microseconds since the Unix epoch.
package struct WallTime: Hashable, Comparable, Sendable {
  /// Microseconds since the Unix epoch.
  package var microseconds: Int64

  package init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  package init(seconds: Int64) {
    self.microseconds = seconds.multipliedReportingOverflow(by: 1_000_000).partialValue
  }

  /// Whole seconds since the Unix epoch, rounded down.
  package var seconds: Int64 { microseconds / 1_000_000 }

  package static func < (left: WallTime, right: WallTime) -> Bool {
    left.microseconds < right.microseconds
  }
}

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
