/// The result of a case.
struct CaseResult {
  let subject: Case
  let measurement: Measurement

  var isWithinLimits: Bool { subject.permits(measurement) }

  /// The exceeded limit in a word or two.
  var verdict: String {
    if measurement.units > subject.units { return "TOO SLOW" }
    return isWithinLimits ? "ok" : "TOO MANY ALLOCATIONS"
  }
}

extension CaseResult: Encodable {
  private enum CodingKeys: String, CodingKey {
    case name, nanoseconds, units, allocations
    case referenceNanoseconds = "reference_nanoseconds"
    case maxUnits = "max_units"
    case maxAllocations = "max_allocations"
    case isWithinLimits = "within_limits"
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(subject.name, forKey: .name)
    try container.encode(measurement.nanoseconds, forKey: .nanoseconds)
    try container.encode(measurement.reference, forKey: .referenceNanoseconds)
    try container.encode(measurement.units, forKey: .units)
    try container.encode(subject.units, forKey: .maxUnits)
    try container.encode(measurement.allocations, forKey: .allocations)
    try container.encode(subject.allocations, forKey: .maxAllocations)
    try container.encode(isWithinLimits, forKey: .isWithinLimits)
  }
}

extension CaseResult {
  /// The headings over `row`.
  static let headings = row("CASE", ["NS", "UNITS", "MAX", "ALLOCATIONS", "MAX", "VERDICT"])

  /// The result on one line.
  var row: String {
    Self.row(
      subject.name,
      [
        measurement.nanoseconds.rounded(to: 0), measurement.units.rounded(to: 3),
        subject.units.rounded(to: 3), measurement.allocations.rounded(to: 2),
        subject.allocations.rounded(to: 2), verdict,
      ])
  }

  private static let nameWidth = Case.all.map(\.name.count).max() ?? 0
  private static let widths = [9, 9, 9, 11, 7]

  private static func row(_ name: String, _ cells: [String]) -> String {
    var line = name + String(repeating: " ", count: max(0, nameWidth - name.count))
    for (index, cell) in cells.enumerated() {
      let width = widths.indices.contains(index) ? widths[index] : 0
      line += "  " + String(repeating: " ", count: max(0, width - cell.count)) + cell
    }
    return line
  }
}

extension Double {
  /// The number with so many digits behind the point.
  fileprivate func rounded(to digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = Int64((self * scale).rounded())
    guard digits > 0 else { return "\(scaled)" }
    let fraction = String(scaled % Int64(scale))
    return "\(scaled / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}
