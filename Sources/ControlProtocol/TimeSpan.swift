/// Lengths of time in text form.
package enum TimeSpan {
  /// The units, the shortest first, in milliseconds.
  private static let units: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
  ]

  /// Parses a length: `500ms`, `90s`, `5m`, `2h`, `7d`, `1w`, or `90`, which means seconds; nil for anything
  /// else.
  package static func duration(_ text: String) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = text.dropFirst(digits.count)
    let unit = units.first { $0.suffix == (suffix.isEmpty ? "s" : suffix) }
    guard let unit, let number = Int64(digits) else { return nil }
    let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
    return overflow ? nil : .milliseconds(milliseconds)
  }

  /// Parses a length in whole seconds; nil also for a fraction of a second.
  package static func seconds(_ text: String) -> Int64? {
    guard let duration = duration(text), duration.components.attoseconds == 0 else { return nil }
    return duration.components.seconds
  }

  /// Formats a length exactly in the greatest unit that allows it, for example `90s` or `2h`, so that
  /// `duration` reads it back. Fractions of a millisecond are dropped.
  package static func exact(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
    guard !overflow else { return "\(seconds)s" }
    let milliseconds = whole + attoseconds / 1_000_000_000_000_000
    guard milliseconds != 0 else { return "0s" }
    // Weeks are not used: 30 days are written as 30d, and 7 as 7d.
    let unit = units.dropLast().last { milliseconds % $0.milliseconds == 0 }
    guard let unit else { return "\(milliseconds)ms" }
    return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
  }
}
