import Kademlia

/// Which of the two tables of records an entry is in.
enum EntryTable: UInt8, CaseIterable {
  /// What this node holds for the network.
  case records
  /// What it publishes itself.
  case publications
}

extension RecordID {
  /// The bytes of an ID as a key of the tables: the target, then the kind, so that their order is that
  /// of the IDs.
  static let keyLength = NodeID.byteCount + 1

  /// What it is kept under.
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

  /// An ID from its key; nil for anything else.
  init?(key bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.keyLength, let kind = RecordKind(rawValue: bytes[20]) else { return nil }
    self.init(kind, NodeID(bigEndian: bytes))
  }
}

extension NodeID {
  /// An ID from the first 20 of at least as many bytes.
  init(bigEndian bytes: UnsafeRawBufferPointer) {
    self.init(
      high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
      middle: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
      low: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
  }
}

/// A key of the index by expiry: when an entry may go, and which one it is.
struct ExpiryKey {
  /// Seconds since the epoch.
  let time: Int64
  let table: EntryTable
  let id: RecordID

  private static let length = 8 + 1 + RecordID.keyLength

  /// The order of these bytes is that of the times, those before the epoch among them.
  var key: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    withUnsafeBytes(of: (UInt64(bitPattern: time) ^ 1 << 63).bigEndian) { bytes += $0 }
    bytes.append(table.rawValue)
    bytes += id.key
    return bytes
  }

  init(time: Int64, table: EntryTable, id: RecordID) {
    self.time = time
    self.table = table
    self.id = id
  }

  init?(key bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.length, let table = EntryTable(rawValue: bytes[8]),
      let id = RecordID(key: UnsafeRawBufferPointer(rebasing: bytes[9...]))
    else { return nil }
    let time = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    self.init(time: Int64(bitPattern: time ^ 1 << 63), table: table, id: id)
  }
}

/// A key of the index by key (`Record.key`), that pages are read from.
///
/// The order of pages is that of the keys, byte by byte, as far as the first 480 bytes of their
/// spelling tell them apart, and then that of their targets. In the spelling a zero byte takes two, and
/// two zero bytes end it, so that a key comes before all that it begins.
struct IndexKey {
  /// LMDB takes 511 bytes of a key at most, and 20 are the target's.
  static let maxSpelling = 480

  let key: [UInt8]

  /// Where a key is. Nothing else is there: two plain keys differ in spelling or in target, and for records
  /// of two kinds to agree in both, a hash would have to be found that contains itself.
  init(of recordKey: [UInt8], target: NodeID) {
    var bytes = Self.spelling(of: recordKey)
    if bytes.count < Self.maxSpelling - 1 { bytes += [0, 0] }
    bytes += RecordID(.plain, target).key.dropLast()
    key = bytes
  }

  /// What the index keys of all keys with this prefix begin with.
  static func spelling(of prefix: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(prefix.count, maxSpelling) + 22)
    for byte in prefix {
      guard bytes.count < maxSpelling else { break }
      bytes.append(byte)
      // In two where only one byte is left it would be cut; the target tells such keys apart.
      if byte == 0 { bytes.append(0xFF) }
    }
    return Array(bytes.prefix(maxSpelling))
  }

  /// The target in an index key; nil for what is none.
  static func target(in bytes: UnsafeRawBufferPointer) -> NodeID? {
    guard bytes.count >= NodeID.byteCount else { return nil }
    return NodeID(bigEndian: UnsafeRawBufferPointer(rebasing: bytes.suffix(NodeID.byteCount)))
  }
}
