import Kademlia

/// What a store keeps about itself, as one entry that changes with the records.
///
/// Little-endian: magic (4 bytes), format (4), salt (4), the bytes of all values (8), the two IDs of the
/// progress (21 each), and a CRC-32 over all of it.
struct StoreMetadata: Hashable, Sendable {
  /// The format of the file that this version writes, and the newest that it reads.
  static let format: UInt32 = 1
  /// "dhtM".
  static let magic: UInt32 = 0x4D74_6864

  /// What the checksums of the records begin with.
  let salt: UInt32
  /// The bytes of the keys and values of all records that are no tombstones.
  var valueBytes = 0
  /// How far upkeep has come.
  var progress = UpkeepProgress()

  /// The bytes of a ledger.
  static let length = 4 + 4 + 4 + 8 + 2 * RecordID.keyLength + 4

  init(salt: UInt32) { self.salt = salt }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: Self.format)
    bytes.append(littleEndian: salt)
    bytes.append(littleEndian: Int64(valueBytes))
    bytes += progress.replicate.key + progress.republish.key
    let checksum = bytes.withUnsafeBytes { RecordCoding.crc32(of: $0) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  /// What the bytes say; any format's begin and end alike, so that a newer one is known as such.
  static func reading(_ bytes: UnsafeRawBufferPointer) -> Reading {
    guard bytes.count >= 16, bytes.littleEndian(at: 0, UInt32.self) == magic else { return .damaged }
    let covered = UnsafeRawBufferPointer(rebasing: bytes.dropLast(4))
    guard RecordCoding.crc32(of: covered) == bytes.littleEndian(at: covered.count, UInt32.self) else {
      return .damaged
    }
    let format = bytes.littleEndian(at: 4, UInt32.self)
    guard format <= Self.format else { return .newer(format: Int(format)) }
    guard bytes.count == length, format == Self.format else { return .damaged }
    var ledger = StoreMetadata(salt: bytes.littleEndian(at: 8, UInt32.self))
    ledger.valueBytes = Int(bytes.littleEndian(at: 12, Int64.self))
    let ids = bytes[20...]
    guard
      let replicate = RecordID(key: UnsafeRawBufferPointer(rebasing: ids.prefix(RecordID.keyLength))),
      let republish = RecordID(
        key: UnsafeRawBufferPointer(
          rebasing: ids.dropFirst(RecordID.keyLength).prefix(RecordID.keyLength)))
    else { return .damaged }
    ledger.progress = UpkeepProgress(replicate: replicate, republish: republish)
    return .current(ledger)
  }

  /// What a ledger reads as.
  enum Reading: Hashable {
    case current(StoreMetadata)
    case newer(format: Int)
    case damaged
  }
}
