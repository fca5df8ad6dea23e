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
