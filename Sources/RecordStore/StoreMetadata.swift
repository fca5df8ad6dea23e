import Kademlia

/// The metadata of a store, in one entry that changes with the records.
///
/// The format is little-endian: magic (4 bytes), format (4), salt (4), the bytes of all values (8), the two
/// IDs of the progress (21 each), and a CRC-32 over all of these.
struct StoreMetadata: Hashable, Sendable {
  /// The format that this version writes, and the newest that it reads.
  static let format: UInt32 = 1
  /// The first bytes: "dhtM".
  static let magic: UInt32 = 0x4D74_6864

  /// The start value of the records' checksums.
  let salt: UInt32
  /// The bytes of the keys and values of all records except tombstones.
  var valueBytes = 0
  /// The progress of maintenance.
  var progress = UpkeepProgress()

  /// The bytes of the entry.
  static let length = 4 + 4 + 4 + 8 + 2 * RecordID.keyLength + 4

  init(salt: UInt32) { self.salt = salt }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: Self.magic)
    bytes.append(littleEndian: Self.format)
    bytes.append(littleEndian: salt)
    bytes.append(littleEndian: Int64(valueBytes))
    bytes += progress.replicate.key + progress.republish.key
    let checksum = bytes.withRawSpan { RecordCoding.crc32(of: $0) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  /// Decodes the entry. The first and last bytes are the same in all formats, so that a newer one is
  /// recognised.
  static func read(_ bytes: RawSpan) -> Reading {
    guard bytes.byteCount >= 16, bytes.littleEndian(at: 0, UInt32.self) == magic else { return .damaged }
    let covered = bytes.extracting(droppingLast: 4)
    guard RecordCoding.crc32(of: covered) == bytes.littleEndian(at: covered.byteCount, UInt32.self) else {
      return .damaged
    }
    let format = bytes.littleEndian(at: 4, UInt32.self)
    guard format <= Self.format else { return .newer(format: Int(format)) }
    guard bytes.byteCount == length, format == Self.format else { return .damaged }
    var metadata = StoreMetadata(salt: bytes.littleEndian(at: 8, UInt32.self))
    metadata.valueBytes = Int(bytes.littleEndian(at: 12, Int64.self))
    let ids = bytes.extracting(droppingFirst: 20)
    guard
      let replicate = RecordID(key: ids.extracting(first: RecordID.keyLength)),
      let republish = RecordID(
        key: ids.extracting(droppingFirst: RecordID.keyLength).extracting(first: RecordID.keyLength))
    else { return .damaged }
    metadata.progress = UpkeepProgress(replicate: replicate, republish: republish)
    return .current(metadata)
  }

  /// The result of decoding an entry.
  enum Reading: Hashable {
    case current(StoreMetadata)
    case newer(format: Int)
    case damaged
  }
}
