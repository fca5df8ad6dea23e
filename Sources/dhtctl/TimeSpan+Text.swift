import ControlProtocol

/// Lengths of time for people.
extension TimeSpan {
  private static let shownUnits: [(suffix: Character, seconds: Int64)] = [
    ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1),
  ]

  /// The two largest units of a length in seconds: `2h 3m`, `45s`, `3d`.
  package static func text(_ seconds: Int64) -> String {
    guard seconds > 0 else { return "0s" }
    var rest = seconds
    var parts: [String] = []
    for unit in shownUnits {
      let number = rest / unit.seconds
      rest %= unit.seconds
      if number > 0 { parts.append("\(number)\(unit.suffix)") }
      // A missing unit in between counts as one of the two: 1d 0h 5m is written as 1d.
      if number == 0 && !parts.isEmpty || parts.count == 2 { break }
    }
    return parts.joined(separator: " ")
  }

  /// Milliseconds with three significant digits: `0.31 ms`, `12.4 ms`, `250 ms`; `-` for nil.
  package static func milliseconds(_ milliseconds: Double?) -> String {
    guard let milliseconds, milliseconds.isFinite, abs(milliseconds) < 1e12 else { return "-" }
    return DecimalText.fixed(milliseconds, digits: milliseconds < 1 ? 2 : milliseconds < 100 ? 1 : 0) + " ms"
  }
}
