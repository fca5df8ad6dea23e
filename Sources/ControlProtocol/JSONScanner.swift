/// Reads the plain tokens of a line of JSON, and decodes only the requested ones.
///
/// A result of nil or false means that the scanner cannot read the line. This is not yet an error, because
/// the scanner knows only a part of JSON. The general decoder decides about such a line.
///
/// The line is a parameter of every call and not a property, because the language cannot yet express a type
/// that holds a span.
struct JSONScanner {
  /// The range of a string's content without its quotes, and its properties.
  struct Text {
    fileprivate let start: Int
    fileprivate let end: Int
    fileprivate let isASCII: Bool
    fileprivate let hasEscapes: Bool
  }

  private var position = 0

  /// Skips white space, and returns whether the line ends there.
  mutating func skipToEnd(of line: Span<UInt8>) -> Bool {
    skipSpace(in: line)
    return position == line.count
  }

  /// Consumes a byte of punctuation and the space before it. Returns false if something else follows.
  mutating func take(_ byte: UInt8, in line: Span<UInt8>) -> Bool {
    skipSpace(in: line)
    guard position < line.count, line[position] == byte else { return false }
    position += 1
    return true
  }

  /// Skips white space, and returns whether a string follows.
  mutating func skipToText(in line: Span<UInt8>) -> Bool {
    skipSpace(in: line)
    return position < line.count && line[position] == UInt8(ascii: "\"")
  }

  /// Finds the end of a string.
  mutating func text(in line: Span<UInt8>) -> Text? {
    guard take(UInt8(ascii: "\""), in: line) else { return nil }
    let start = position
    var isASCII = true
    var hasEscapes = false
    while true {
      position = line.endOfPlainText(from: position)
      guard position < line.count else { return nil }
      switch line[position] {
      case UInt8(ascii: "\""):
        position += 1
        return Text(start: start, end: position - 1, isASCII: isASCII, hasEscapes: hasEscapes)
      case UInt8(ascii: "\\"):
        // Skip the escaped byte too, because an escaped quote does not end the string.
        hasEscapes = true
        position += 2
      case 0x80...:
        isASCII = false
        position += 1
      default: return nil
      }
    }
  }

  /// Reads a whole number of up to 18 digits, which always fits into 64 bits.
  ///
  /// The caller checks the next byte: a fraction or an exponent is neither a comma nor a brace.
  mutating func integer(in line: Span<UInt8>) -> Int64? {
    let isNegative = take(UInt8(ascii: "-"), in: line)
    let start = position
    var number: Int64 = 0
    while position < line.count, position - start < 18 {
      let digit = line[position] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      number = number * 10 + Int64(digit)
      position += 1
    }
    guard position > start else { return nil }
    // Leading zeros are not JSON, and the general decoder decides about a negative zero.
    if line[start] == UInt8(ascii: "0"), isNegative || position - start > 1 { return nil }
    return isNegative ? -number : number
  }

  /// Reads `true` or `false`.
  mutating func boolean(in line: Span<UInt8>) -> Bool? {
    skipSpace(in: line)
    if take("true", in: line) { return true }
    if take("false", in: line) { return false }
    return nil
  }

  private mutating func take(_ word: StaticString, in line: Span<UInt8>) -> Bool {
    let end = position + word.utf8CodeUnitCount
    guard end <= line.count, line.packed(position..<end) == packed(word) else { return false }
    position = end
    return true
  }

  private mutating func skipSpace(in line: Span<UInt8>) {
    while position < line.count {
      switch line[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): position += 1
      default: return
      }
    }
  }
}

extension JSONScanner.Text {
  /// The content as one number, for comparisons with other texts; nil if it is longer than 16 bytes or has
  /// escapes.
  func packed(in line: Span<UInt8>) -> UInt128? {
    end - start <= 16 && !hasEscapes ? line.packed(start..<end) : nil
  }

  /// The content in UTF-8; nil if it is not UTF-8 or has an invalid escape.
  func bytes(in line: Span<UInt8>) -> [UInt8]? {
    let content = line.extracting(start..<end)
    guard isASCII || content.isUTF8 else { return nil }
    // The bytes are copied before the closure returns.
    return unsafe hasEscapes
      ? Self.unescaped(content) : content.withUnsafeBufferPointer { unsafe [UInt8]($0) }
  }

  private static func unescaped(_ content: Span<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count)
    var offset = 0
    while offset < content.count {
      guard content[offset] == UInt8(ascii: "\\") else {
        bytes.append(content[offset])
        offset += 1
        continue
      }
      guard offset + 1 < content.count else { return nil }
      let escape = content[offset + 1]
      offset += 2
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(escape)
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"):
        guard let scalar = scalar(in: content, at: &offset) else { return nil }
        bytes.append(contentsOf: String(scalar).utf8)
      default: return nil
      }
    }
    return bytes
  }

  /// Reads the digits after `\u`, with the second half of a surrogate pair; nil for an unpaired half.
  private static func scalar(in content: Span<UInt8>, at offset: inout Int) -> Unicode.Scalar? {
    guard let unit = codeUnit(in: content, at: &offset) else { return nil }
    guard 0xD800...0xDBFF ~= unit else { return Unicode.Scalar(unit) }
    guard offset + 1 < content.count, content[offset] == UInt8(ascii: "\\"),
      content[offset + 1] == UInt8(ascii: "u")
    else { return nil }
    offset += 2
    guard let low = codeUnit(in: content, at: &offset), 0xDC00...0xDFFF ~= low else { return nil }
    return Unicode.Scalar(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
  }

  private static func codeUnit(in content: Span<UInt8>, at offset: inout Int) -> UInt32? {
    guard offset + 4 <= content.count else { return nil }
    var unit: UInt32 = 0
    for index in offset..<offset + 4 {
      guard let digit = Hex.value(content[index]) else { return nil }
      unit = (unit << 4) | UInt32(digit)
    }
    offset += 4
    return unit
  }
}

extension Span<UInt8> {
  /// The offset of the first byte from `start` on that is not plain ASCII in a JSON string: a quote, a
  /// backslash, a control character or a byte of 0x80 or more. `count` if there is none.
  func endOfPlainText(from start: Int) -> Int {
    var offset = start
    let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    // Eight bytes at a time. Each term sets the top bit of the bytes that it looks for: bytes that are zero
    // after the XOR, and bytes below a space. A borrow may also mark bytes after such a byte but never one
    // before it, and only the first mark counts.
    while offset + 8 <= count {
      // The loop condition keeps the eight bytes in bounds, and any bytes are a valid integer.
      let word = unsafe UInt64(
        littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let (quotes, backslashes) = (word ^ ones &* 0x22, word ^ ones &* 0x5C)
      let found =
        (word | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
          | ((word &- ones &* 0x20) & ~word)) & tops
      if found != 0 { return offset + found.trailingZeroBitCount / 8 }
      offset += 8
    }
    while offset < count {
      switch self[offset] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), ..<0x20, 0x80...: return offset
      default: offset += 1
      }
    }
    return offset
  }

  /// Up to 16 bytes as one big-endian number.
  fileprivate func packed(_ range: Range<Int>) -> UInt128 {
    var number: UInt128 = 0
    for offset in range { number = (number << 8) | UInt128(self[offset]) }
    return number
  }

  /// True if the bytes are well-formed UTF-8.
  var isUTF8: Bool {
    do {
      _ = try UTF8Span(validating: self)
      return true
    } catch {
      return false
    }
  }
}

/// Up to 16 characters as one number, for comparisons with `JSONScanner.Text.packed`. Inlined, so that each
/// text becomes a constant.
@inline(__always)
func packed(_ text: StaticString) -> UInt128 {
  // Iteration stays within the bounds of the buffer.
  text.withUTF8Buffer { unsafe $0.reduce(0) { ($0 << 8) | UInt128($1) } }
}
