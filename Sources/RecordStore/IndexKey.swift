import Kademlia

/// A key of the index by `Record.key`, from which pages are read.
///
/// Pages are sorted by key, byte by byte. Keys whose escaped forms agree in the first 480 bytes are sorted
/// by target. In the escaped form a zero byte takes two bytes, and two zero bytes end it, so that a key
/// precedes all keys that begin with it.
struct IndexKey {
  /// LMDB allows at most 511 bytes of a key, of which the target takes 20.
  static let maxEscapedBytes = 480

  let key: [UInt8]

  /// The index key of a record. It is unique: two plain keys differ in their escaped form or target, and two
  /// records of different kinds with the same key and target would need a hash that contains itself.
  init(of recordKey: [UInt8], target: NodeID) {
    var bytes = Self.escaped(recordKey)
    if bytes.count < Self.maxEscapedBytes - 1 { bytes += [0, 0] }
    bytes += RecordID(.plain, target).key.dropLast()
    key = bytes
  }

  /// The prefix of the index keys of all keys that start with `prefix`, in escaped form.
  static func escaped(_ prefix: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(prefix.count, maxEscapedBytes) + 22)
    for byte in prefix {
      guard bytes.count < maxEscapedBytes else { break }
      bytes.append(byte)
      // An escaped zero byte is cut if only one byte is left. The target distinguishes such keys.
      if byte == 0 { bytes.append(0xFF) }
    }
    return Array(bytes.prefix(maxEscapedBytes))
  }

  /// The target in an index key; nil for an invalid key.
  static func target(in bytes: RawSpan) -> NodeID? {
    guard bytes.byteCount >= NodeID.byteCount else { return nil }
    return NodeID(bigEndian: bytes.extracting(last: NodeID.byteCount))
  }
}
