import Kademlia

extension RecordID {
  /// The bytes of an ID as a key of the tables: the target, then the kind, so that the keys sort like the
  /// IDs.
  static let keyLength = NodeID.byteCount + 1

  /// The key of the tables.
  var key: [UInt8] {
    // The three numbers (8, 8 and 4 bytes) and the kind (1) initialize all 21 bytes.
    unsafe [UInt8](unsafeUninitializedCapacity: Self.keyLength) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      unsafe bytes.storeBytes(of: target.high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: target.middle.bigEndian, toByteOffset: 8, as: UInt64.self)
      unsafe bytes.storeBytes(of: target.low.bigEndian, toByteOffset: 16, as: UInt32.self)
      unsafe bytes[20] = kind.rawValue
      count = Self.keyLength
    }
  }

  /// Parses a key of the tables; nil if it is invalid.
  init?(key bytes: RawSpan) {
    guard bytes.byteCount == Self.keyLength,
      let kind = RecordKind(rawValue: bytes.byte(at: 20))
    else { return nil }
    self.init(kind, NodeID(bigEndian: bytes))
  }
}

extension NodeID {
  /// An ID from the first 20 bytes, which must exist.
  init(bigEndian bytes: RawSpan) {
    self.init(
      high: bytes.bigEndian(at: 0, UInt64.self),
      middle: bytes.bigEndian(at: 8, UInt64.self),
      low: bytes.bigEndian(at: 16, UInt32.self))
  }
}
