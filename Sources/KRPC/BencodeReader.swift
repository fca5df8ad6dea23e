/// Walks over bencoding, checks it, and locates the values. Builds nothing.
///
/// The datagram is a parameter of every call and not a property, because a type that holds a span
/// cannot be written in the language yet.
///
/// A fault that makes the rest of a datagram unreadable is thrown. A fault that merely breaks the rules, and
/// lets reading continue, is kept as `flaw`: the transaction, which follows the arguments in canonical
/// messages, is then still found, and the sender of a query can be told what is wrong with it.
struct BencodeReader {
  typealias Reason = MalformedMessage.Reason

  /// The offset of the next byte.
  private(set) var position: Int
  /// The first rule of bencoding that what was read so far breaks.
  private(set) var flaw: Reason?
  /// The number of times that what was read so far breaks a rule of bencoding.
  private(set) var flaws = 0
  /// The number of dictionaries so far that had keys out of order.
  private var unsortedDictionaries = 0

  /// - Parameter position: where a value or a key begins.
  init(at position: Int = 0) {
    self.position = position
  }

  /// Reads the `d` of a dictionary; false, and no step forward, if something else is there.
  mutating func beginDictionary(in bytes: RawSpan) -> Bool {
    guard bytes.peek(at: position) == UInt8(ascii: "d") else { return false }
    position += 1
    return true
  }

  /// Reads the next key of a dictionary, or its end, for which the answer is nil.
  ///
  /// - Parameter keys: those of this dictionary so far.
  @inline(__always)
  mutating func nextKey(in bytes: RawSpan, after keys: inout KeyOrder) throws(Reason) -> DictionaryKey? {
    if try endsContainer(in: bytes) {
      if !keys.isAscending { unsortedDictionaries += 1 }
      return nil
    }
    let encoding = position
    let key = DictionaryKey(try string(in: bytes), in: bytes)
    keys.admit(key, encodedAt: encoding, in: bytes)
    if let flaw = keys.flaw { note(flaw) }
    return key
  }

  /// Reads a value of any form and everything in it.
  ///
  /// - Parameter depth: the level that the value is on if it is a list or dictionary, 1 being the
  ///   outermost.
  @inline(__always)
  mutating func value(in bytes: RawSpan, depth: Int) throws(Reason) -> BencodeValue {
    guard let first = bytes.peek(at: position) else { throw .truncated }
    // Most values are strings.
    if Self.digit(first) != nil { return try string(in: bytes) }
    return try otherValue(in: bytes, depth: depth)
  }

  @inline(never)
  private mutating func otherValue(in bytes: RawSpan, depth: Int) throws(Reason) -> BencodeValue {
    switch bytes.byte(at: position) {
    case UInt8(ascii: "i"): return try integer(in: bytes)
    case UInt8(ascii: "l"): return try list(in: bytes, depth: depth)
    case UInt8(ascii: "d"): return try dictionary(in: bytes, depth: depth)
    default: throw .unexpectedByte(at: position)
    }
  }

  private mutating func list(in bytes: RawSpan, depth: Int) throws(Reason) -> BencodeValue {
    guard depth <= KRPC.maxDepth else { return try deepContainer(.list, in: bytes) }
    let unsortedBefore = unsortedDictionaries
    position += 1
    let start = position
    while !(try endsContainer(in: bytes)) {
      _ = try value(in: bytes, depth: depth + 1)
    }
    return BencodeValue(
      .list, from: start, to: position - 1, isCanonical: unsortedDictionaries == unsortedBefore)
  }

  private mutating func dictionary(in bytes: RawSpan, depth: Int) throws(Reason) -> BencodeValue {
    guard depth <= KRPC.maxDepth else { return try deepContainer(.dictionary, in: bytes) }
    let unsortedBefore = unsortedDictionaries
    position += 1
    let start = position
    var keys = KeyOrder()
    while try nextKey(in: bytes, after: &keys) != nil {
      _ = try value(in: bytes, depth: depth + 1)
    }
    return BencodeValue(
      .dictionary, from: start, to: position - 1, isCanonical: unsortedDictionaries == unsortedBefore)
  }

  /// A list or dictionary that is open while deeper ones are read.
  private struct Level {
    let isDictionary: Bool
    /// The key before the next one of a dictionary.
    var previous: DictionaryKey?
  }

  /// Reads a list or dictionary deeper than `KRPC.maxDepth`, and all levels below it: without recursion, so that
  /// no depth exhausts the stack. Keys out of order are not compared with one another there.
  @inline(never)
  private mutating func deepContainer(
    _ form: BencodeValue.Form, in bytes: RawSpan
  ) throws(Reason) -> BencodeValue {
    let unsortedBefore = unsortedDictionaries
    let start = position + 1
    var open: [Level] = []
    repeat {
      if let level = open.last {
        if try endsContainer(in: bytes) {
          open.removeLast()
          continue
        }
        if level.isDictionary {
          let key = DictionaryKey(try string(in: bytes), in: bytes)
          if let previous = level.previous, !previous.precedes(key, in: bytes) {
            unsortedDictionaries += 1
            note(.tooDeep)
          }
          open[open.count - 1].previous = key
        }
      }
      switch bytes.peek(at: position) {
      case UInt8(ascii: "l"), UInt8(ascii: "d"):
        open.append(Level(isDictionary: bytes.byte(at: position) == UInt8(ascii: "d")))
        position += 1
      default:
        // A string, an integer, or no value at all.
        _ = try value(in: bytes, depth: 1)
      }
    } while !open.isEmpty
    return BencodeValue(
      form, from: start, to: position - 1, isCanonical: unsortedDictionaries == unsortedBefore)
  }

  /// Reads the `e` of a list or dictionary if it is there.
  @inline(__always)
  private mutating func endsContainer(in bytes: RawSpan) throws(Reason) -> Bool {
    guard let first = bytes.peek(at: position) else { throw .truncated }
    guard first == UInt8(ascii: "e") else { return false }
    position += 1
    return true
  }

  /// Reads a length, a colon, and that many bytes.
  @inline(__always)
  private mutating func string(in bytes: RawSpan) throws(Reason) -> BencodeValue {
    // Keys have lengths of one digit.
    if let digit = bytes.peek(at: position), let length = Self.digit(digit),
      bytes.peek(at: position + 1) == UInt8(ascii: ":")
    {
      return try content(in: bytes, from: position + 2, length: length)
    }
    return try longString(in: bytes)
  }

  /// The same for a length of any number of digits.
  @inline(never)
  private mutating func longString(in bytes: RawSpan) throws(Reason) -> BencodeValue {
    var offset = position
    var length = 0
    while let byte = bytes.peek(at: offset), let digit = Self.digit(byte) {
      // Never above ten times the size of the datagram, so that no sum overflows.
      length = length * 10 + digit
      guard length <= bytes.byteCount else { throw .truncated }
      offset += 1
    }
    guard let colon = bytes.peek(at: offset) else { throw .truncated }
    guard offset > position, colon == UInt8(ascii: ":") else { throw .unexpectedByte(at: offset) }
    if offset - position > 1, bytes.byte(at: position) == UInt8(ascii: "0") { note(.nonCanonicalLength) }
    return try content(in: bytes, from: offset + 1, length: length)
  }

  /// Passes over the content of a string.
  @inline(__always)
  private mutating func content(
    in bytes: RawSpan, from start: Int, length: Int
  ) throws(Reason) -> BencodeValue {
    guard length <= bytes.byteCount - start else { throw .truncated }
    position = start + length
    return BencodeValue(.string, from: start, to: position)
  }

  /// Reads an `i`, digits of any number, and an `e`.
  private mutating func integer(in bytes: RawSpan) throws(Reason) -> BencodeValue {
    let start = position + 1
    let digits = bytes.peek(at: start) == UInt8(ascii: "-") ? start + 1 : start
    var offset = digits
    while let byte = bytes.peek(at: offset), Self.digit(byte) != nil { offset += 1 }
    guard let end = bytes.peek(at: offset) else { throw .truncated }
    guard offset > digits, end == UInt8(ascii: "e") else { throw .unexpectedByte(at: offset) }
    // A zero in front is right only where it is the whole number.
    if bytes.byte(at: digits) == UInt8(ascii: "0"), offset - start > 1 { note(.nonCanonicalInteger) }
    position = offset + 1
    return BencodeValue(.integer, from: start, to: offset)
  }

  @inline(__always)
  private static func digit(_ byte: UInt8) -> Int? {
    let digit = byte &- UInt8(ascii: "0")
    return digit < 10 ? Int(digit) : nil
  }

  private mutating func note(_ reason: Reason) {
    flaws += 1
    if flaw == nil { flaw = reason }
  }
}
