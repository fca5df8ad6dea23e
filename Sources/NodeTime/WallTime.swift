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
