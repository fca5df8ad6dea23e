import Kademlia

/// The reads here are checked: an offset outside of the span traps. Callers pass offsets that they
/// have compared with `byteCount`, or that come out of a `BencodeValue`. Any bytes are valid integers, so
/// that a load within the span is sound.
extension RawSpan {
  /// The byte at an offset.
  @inline(__always)
  func byte(at offset: Int) -> UInt8 {
    guard let byte = peek(at: offset) else { preconditionFailure("an offset outside of the datagram") }
    return byte
  }

  /// The byte at an offset; nil outside of the span. One comparison checks both ends.
  @inline(__always)
  func peek(at offset: Int) -> UInt8? {
    guard UInt(bitPattern: offset) < UInt(bitPattern: byteCount) else { return nil }
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// The number that begins at an offset, big end first.
  func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type
  ) -> Number {
    unsafe Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }

  /// The bytes in a range as a number, the first of them on top: eight of them, or all and zeros below.
  @inline(__always)
  func leadingWord(from start: Int, to end: Int) -> UInt64 {
    if start + 8 <= byteCount {
      let word = bigEndian(at: start, as: UInt64.self)
      return end - start >= 8 ? word : word & ~(UInt64.max &>> UInt64(truncatingIfNeeded: 8 * (end - start)))
    }
    return lastWord(from: start, to: end)
  }

  /// The same at the end of the datagram, where there are no eight bytes to be read.
  @inline(never)
  private func lastWord(from start: Int, to end: Int) -> UInt64 {
    var word: UInt64 = 0
    var shift: UInt64 = 64
    for offset in start..<end {
      shift -= 8
      word |= UInt64(byte(at: offset)) << shift
    }
    return word
  }

  /// The ID that begins at an offset.
  @inline(__always)
  func nodeID(at offset: Int) -> NodeID {
    // One check for three loads: every node of an answer has an ID.
    precondition(offset >= 0 && offset <= byteCount - NodeID.byteCount)
    return unsafe NodeID(
      high: UInt64(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)),
      middle: UInt64(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 8, as: UInt64.self)),
      low: UInt32(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset + 16, as: UInt32.self)))
  }

  /// Returns whether the bytes in a range are these. Inlined, so that each text becomes a comparison of
  /// its own.
  @inline(__always)
  func matches(_ text: StaticString, from start: Int, to end: Int) -> Bool {
    guard end - start == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
      // The index stays below the count.
      for index in 0..<expected.count where unsafe expected[index] != byte(at: start + index) {
        return false
      }
      return true
    }
  }
}
