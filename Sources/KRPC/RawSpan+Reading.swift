import Kademlia

/// The reads here are checked: an offset outside of the span traps. Callers pass offsets that they
/// have compared with `byteCount`, or that come out of a `BencodeValue`.
extension RawSpan {
  /// The byte at an offset.
  func byte(at offset: Int) -> UInt8 {
    unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The number that begins at an offset, big end first.
  func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type
  ) -> Number {
    Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }

  /// The bytes in a range as a number, the first of them on top: eight of them, or all and zeros below.
  @inline(__always)
  func leadingWord(from start: Int, to end: Int) -> UInt64 {
    if start + 8 <= byteCount {
      let word = bigEndian(at: start, as: UInt64.self)
      return end - start >= 8 ? word : word & ~(UInt64.max &>> UInt64(truncatingIfNeeded: 8 * (end - start)))
    }
    // At the end of the datagram there are no eight bytes to be read.
    var word: UInt64 = 0
    for offset in start..<end {
      word |= UInt64(byte(at: offset)) &<< UInt64(truncatingIfNeeded: 56 - 8 * (offset - start))
    }
    return word
  }

  /// The ID that begins at an offset.
  func nodeID(at offset: Int) -> NodeID {
    NodeID(
      high: bigEndian(at: offset, as: UInt64.self),
      middle: bigEndian(at: offset + 8, as: UInt64.self),
      low: bigEndian(at: offset + 16, as: UInt32.self))
  }

  /// Whether the bytes in a range are these. Inlined, so that each text becomes a comparison of
  /// its own.
  @inline(__always)
  func matches(_ text: StaticString, from start: Int, to end: Int) -> Bool {
    guard end - start == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { expected in
      for index in 0..<expected.count where expected[index] != byte(at: start + index) {
        return false
      }
      return true
    }
  }
}
