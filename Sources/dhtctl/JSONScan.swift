/// Finds the members of a JSON object without decoding them.
///
/// It is for lines of a daemon whose members are known. It looks only for the end of each member, so invalid
/// JSON may pass.
package enum JSONScan {
  /// Visits the members of an object in their order.
  /// - Parameters:
  ///   - range: the range of the object; indices beyond the text are ignored.
  ///   - visit: called with the range of the name, without its quotation marks, and that of the value.
  /// - Returns: whether the end of the object was found.
  @discardableResult
  package static func members(
    of text: Span<UInt8>, in range: Range<Int>, _ visit: (_ name: Range<Int>, _ value: Range<Int>) -> Void
  ) -> Bool {
    let end = min(range.upperBound, text.count)
    var position = range.lowerBound
    func next() -> UInt8? {
      while position < end, isBlank(text[position]) { position += 1 }
      return position < end ? text[position] : nil
    }
    guard position >= 0, next() == UInt8(ascii: "{") else { return false }
    position += 1
    if next() == UInt8(ascii: "}") { return true }
    while next() == UInt8(ascii: "\""), let nameEnd = endOfString(text, position, end) {
      let name = position + 1..<nameEnd - 1
      position = nameEnd
      guard next() == UInt8(ascii: ":") else { return false }
      position += 1
      guard next() != nil, let valueEnd = endOfValue(text, position, end) else { return false }
      visit(name, position..<valueEnd)
      position = valueEnd
      switch next() {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"): return true
      default: return false
      }
    }
    return false
  }

  /// Returns whether a range of the text equals these bytes.
  package static func isEqual(_ text: Span<UInt8>, _ range: Range<Int>, _ bytes: [UInt8]) -> Bool {
    guard range.count == bytes.count, range.lowerBound >= 0, range.upperBound <= text.count else {
      return false
    }
    for (offset, byte) in bytes.enumerated() where text[range.lowerBound + offset] != byte { return false }
    return true
  }

  /// A number of digits only; nil for any other value.
  package static func wholeNumber(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
    guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= text.count else { return nil }
    var number: UInt64 = 0
    for index in range {
      let digit = text[index]
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (product, isOver) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOverToo) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
      guard !isOver, !isOverToo else { return nil }
      number = sum
    }
    return number
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
      || byte == UInt8(ascii: "\n")
  }

  /// The offset after the string that begins at `start`.
  private static func endOfString(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start + 1
    while position < end {
      switch text[position] {
      case UInt8(ascii: "\""): return position + 1
      // An escaped character, such as a quotation mark, does not end the string.
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    return nil
  }

  /// The offset after the value that begins at `start`.
  private static func endOfValue(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var position = start
    var depth = 0
    while position < end {
      switch text[position] {
      case UInt8(ascii: "\""):
        guard let after = endOfString(text, position, end) else { return nil }
        position = after
        if depth == 0 { return position }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // The bracket belongs to the enclosing value.
        if depth == 0 { return position > start ? position : nil }
        depth -= 1
        position += 1
        if depth == 0 { return position }
      case UInt8(ascii: ","):
        if depth == 0 { return position > start ? position : nil }
        position += 1
      case let byte:
        if depth == 0, isBlank(byte) { return position }
        position += 1
      }
    }
    return nil
  }
}
