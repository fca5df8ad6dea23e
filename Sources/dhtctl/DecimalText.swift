/// Numbers in decimal form, for people.
package enum DecimalText {
  /// Formats a number with a fixed number of digits after the point, rounded; `-` for NaN, and 0 for a
  /// negative number.
  /// - Parameter digits: 0 to 6.
  package static func fixed(_ number: Double, digits: Int) -> String {
    guard number.isFinite, abs(number) < 1e12 else { return "-" }
    let places = min(max(digits, 0), 6)
    let scale = (0..<places).reduce(Int64(1)) { scale, _ in scale * 10 }
    let scaled = Int64((max(0, number) * Double(scale)).rounded())
    guard places > 0 else { return "\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  /// Formats a whole number with separators for thousands: `12,500`.
  package static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }
}
