import Kademlia

extension RecordID {
  /// The bytes of an ID as a key of the tables: the target, then the kind, so that the keys sort like the
  /// IDs.
  static let keyLength = NodeID.byteCount + 1

  /// The key of the tables.
  var key: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.keyLength) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      bytes.storeBytes(of: target.high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: target.middle.bigEndian, toByteOffset: 8, as: UInt64.self)
      bytes.storeBytes(of: target.low.bigEndian, toByteOffset: 16, as: UInt32.self)
      bytes[20] = kind.rawValue
      count = Self.keyLength
    }
  }

  /// Parses a key of the tables; nil if it is invalid.
  init?(key bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.keyLength, let kind = RecordKind(rawValue: bytes[20]) else { return nil }
    self.init(kind, NodeID(bigEndian: bytes))
  }
}

extension NodeID {
  /// An ID from the first 20 bytes, which must exist.
  init(bigEndian bytes: UnsafeRawBufferPointer) {
    self.init(
      high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
      middle: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      low: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
  }
}
