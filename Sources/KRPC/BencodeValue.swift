import Kademlia

/// The position of a value in a datagram, and its form: one of the four of bencoding.
///
/// A value is made by a `BencodeReader` and is meaningful only together with the datagram that was
/// read: nothing is copied until a message needs it.
struct BencodeValue {
  enum Form {
    case integer, string, list, dictionary
  }

  let form: Form
  // 32 bits each: a message has room for thirty values, which are moved about while it is read.
  private let first: UInt32
  private let limit: UInt32
  /// False if a dictionary in it has keys out of order.
  let isCanonical: Bool

  init(_ form: Form, from start: Int, to end: Int, isCanonical: Bool = true) {
    self.form = form
    self.first = UInt32(truncatingIfNeeded: start)
    self.limit = UInt32(truncatingIfNeeded: end)
    self.isCanonical = isCanonical
  }

  /// The most bytes that can be read, so that every offset has room in 32 bits.
  static let maxOffset = Int(Int32.max)

  /// The offset of the first byte of the content: a string's bytes, an integer's digits and sign,
  /// a list's or dictionary's items.
  var start: Int { Int(truncatingIfNeeded: first) }
  /// The offset behind the last byte of the content.
  var end: Int { Int(truncatingIfNeeded: limit) }

  /// The number of bytes of the content.
  var count: Int { end - start }

  /// The number of bytes of a string; nil for the other forms.
  var stringLength: Int? { form == .string ? count : nil }

  /// The content as a number to compare it by: see `DictionaryKey.word`.
  @inline(__always)
  func word(in bytes: RawSpan) -> UInt64 {
    let word = bytes.leadingWord(from: start, to: end)
    return count > 7 ? word | 0xFF : word | UInt64(truncatingIfNeeded: count)
  }

  /// Returns whether the value is a string of these bytes.
  func isString(_ text: StaticString, in bytes: RawSpan) -> Bool {
    form == .string && bytes.matches(text, from: start, to: end)
  }

  /// A string of 20 bytes as an ID; nil for anything else.
  func nodeID(in bytes: RawSpan) -> NodeID? {
    stringLength == NodeID.byteCount ? bytes.nodeID(at: start) : nil
  }

  /// A string of 1 to 32 bytes; nil for anything else.
  func shortBytes(in bytes: RawSpan) -> ShortBytes? {
    guard let length = stringLength, length > 0, length <= ShortBytes.capacity else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (bytes.leadingWord(from: start, to: end), 0, 0, 0)
    if length > 8 { words.1 = bytes.leadingWord(from: start + 8, to: end) }
    if length > 16 { words.2 = bytes.leadingWord(from: start + 16, to: end) }
    if length > 24 { words.3 = bytes.leadingWord(from: start + 24, to: end) }
    return ShortBytes(words, count: length)
  }

  /// The content of a string, copied; nil for the other forms.
  func string(in bytes: RawSpan) -> [UInt8]? {
    guard form == .string else { return nil }
    // The bytes are copied before the closure returns.
    return unsafe bytes.extracting(start..<end).withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// The value as it is encoded, copied. Only what the reader has found canonical has this one encoding.
  func encoding(in bytes: RawSpan) -> [UInt8] {
    // The bytes are copied before the closures return.
    guard form == .string else {
      return unsafe bytes.extracting((start - 1)..<(end + 1)).withUnsafeBytes { unsafe [UInt8]($0) }
    }
    var encoding = Array("\(count):".utf8)
    unsafe bytes.extracting(start..<end).withUnsafeBytes { unsafe encoding += $0 }
    return encoding
  }

  /// A string as text: bytes that are not UTF-8 are replaced and what is beyond
  /// `KRPC.maxErrorText` is cut off, at a whole character. Nil for the other forms.
  func text(in bytes: RawSpan) -> String? {
    guard form == .string else { return nil }
    let kept = min(end, start + KRPC.maxErrorText)
    // The text is a copy.
    let text = unsafe bytes.extracting(start..<kept).withUnsafeBytes {
      unsafe String(decoding: $0, as: UTF8.self)
    }
    return text.truncated(toUTF8: KRPC.maxErrorText)
  }

  /// An integer that fits 64 bits; nil for anything else.
  func integer(in bytes: RawSpan) -> Int64? {
    guard form == .integer, start < end else { return nil }
    let isNegative = bytes.byte(at: start) == UInt8(ascii: "-")
    let digits = isNegative ? start + 1 : start
    if end - digits <= 18 {
      // 64 bits always hold them.
      var number: Int64 = 0
      for offset in digits..<end {
        number = number &* 10 &+ Int64(bytes.byte(at: offset) &- UInt8(ascii: "0"))
      }
      return isNegative ? -number : number
    }
    // Counted below zero, where there is one number more.
    var negated: Int64 = 0
    for offset in digits..<end {
      let (product, overflow) = negated.multipliedReportingOverflow(by: 10)
      let digit = Int64(bytes.byte(at: offset) &- UInt8(ascii: "0"))
      let (sum, overflowed) = product.subtractingReportingOverflow(digit)
      if overflow || overflowed { return nil }
      negated = sum
    }
    if isNegative { return negated }
    return negated == .min ? nil : -negated
  }

  /// An integer of 0 to 2^63 - 1, as all of ours are; nil for anything else.
  func natural(in bytes: RawSpan) -> Int64? {
    guard let integer = integer(in: bytes), integer >= 0 else { return nil }
    return integer
  }

  /// Returns whether the value is the integer 1, the only true that bencoding has.
  func isOne(in bytes: RawSpan) -> Bool {
    form == .integer && bytes.matches("1", from: start, to: end)
  }
}

extension String {
  /// The longest beginning with whole characters (scalars) in this many bytes of UTF-8.
  func truncated(toUTF8 limit: Int) -> String {
    guard utf8.count > limit else { return self }
    // Back to where a scalar begins, so that no half of one is left.
    var end = utf8.index(utf8.startIndex, offsetBy: limit)
    while end > startIndex, end.samePosition(in: unicodeScalars) == nil {
      end = utf8.index(before: end)
    }
    return String(self[..<end])
  }
}
