/// Lengths of time as a person writes and reads them.
package enum TimeSpan {
  private static let units: [(suffix: Character, seconds: Int64)] = [
    ("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800),
  ]

  /// Seconds of a text such as `90`, `90s`, `5m`, `2h`, `7d` or `1w`; nil for anything else.
  package static func seconds(_ text: String) -> Int64? {
    guard let last = text.last else { return nil }
    let unit = units.first { $0.suffix == last }
    let digits = unit == nil ? Substring(text) : text.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int64(digits)
    else { return nil }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit?.seconds ?? 1)
    return overflow ? nil : seconds
  }

  /// The two largest units of a length in seconds: `2h 3m`, `45s`, `3d`.
  package static func text(_ seconds: Int64) -> String {
    guard seconds > 0 else { return "0s" }
    var rest = seconds
    var parts: [String] = []
    for unit in units.dropLast().reversed() {
      let number = rest / unit.seconds
      rest %= unit.seconds
      if number > 0 { parts.append("\(number)\(unit.suffix)") }
      // A unit that is missing in between counts as one: 1d 0h 5m is told as 1d.
      if number == 0 && !parts.isEmpty || parts.count == 2 { break }
    }
    return parts.joined(separator: " ")
  }

  /// Milliseconds with as many digits as matter: `0.31 ms`, `12.4 ms`, `250 ms`; `-` for nil.
  package static func milliseconds(_ milliseconds: Double?) -> String {
    guard let milliseconds, milliseconds.isFinite, abs(milliseconds) < 1e12 else { return "-" }
    let digits = milliseconds < 1 ? 2 : milliseconds < 100 ? 1 : 0
    let scale: Int64 = digits == 2 ? 100 : digits == 1 ? 10 : 1
    let scaled = Int64((max(0, milliseconds) * Double(scale)).rounded())
    guard digits > 0 else { return "\(scaled) ms" }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction + " ms"
  }
}
