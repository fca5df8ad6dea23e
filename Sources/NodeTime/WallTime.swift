/// A point in civil time for records, in microseconds since the Unix epoch.
@frozen public struct WallTime: Hashable, Comparable, Sendable {
  /// Microseconds since the Unix epoch.
  public var microseconds: Int64

  /// The time a number of microseconds after the Unix epoch.
  @inlinable public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// The time a number of seconds after the Unix epoch. It wraps around after 292,000 years.
  @inlinable public init(seconds: Int64) {
    self.microseconds = seconds.multipliedReportingOverflow(by: 1_000_000).partialValue
  }

  /// Whole seconds since the Unix epoch, rounded down.
  @inlinable public var seconds: Int64 { microseconds / 1_000_000 }

  /// Whole seconds since the Unix epoch, rounded up.
  @inlinable public var secondsRoundedUp: Int64 {
    seconds + (microseconds % 1_000_000 > 0 ? 1 : 0)
  }

  /// Returns whether the left time is earlier.
  @inlinable public static func < (left: WallTime, right: WallTime) -> Bool {
    left.microseconds < right.microseconds
  }
}
