import CZlib
import Kademlia
import Signatures

/// Encodes and decodes a record as the value of an entry.
///
/// All numbers are little-endian: magic (4 bytes), format (1), flags (1), kind (1), zero (1), seq (8),
/// expiry (8), hidesUntil (8), length of the binding (4), length of the value (4), the binding, the value,
/// and a CRC-32 over the ID of the entry and all of the above. LMDB keeps no checksums, so each entry has
/// one. The binding is the key of a plain record, empty for an immutable one, and for a signed one the
/// public key (32), the signature (64) and the salt.
///
/// The checksum starts from a random number of the store. Without it, a record's value could be crafted to
/// look like an entry to a search of a damaged file.
struct RecordCoding: Hashable, Sendable {
  /// The first bytes of every entry: "dhtR".
  static let magic: UInt32 = 0x5274_6864
  /// The only format.
  static let format: UInt8 = 1
  /// The bytes of an entry besides key and value.
  static let overhead = headerLength + 4
  /// The most bytes of an entry. A longer one is invalid.
  static let maxLength = 1 << 20

  private static let headerLength = 40
  private static let tombstoneFlag: UInt8 = 1
  private static let publicationFlag: UInt8 = 2

  /// The start value of this store's checksums.
  let salt: UInt32

  /// An entry for a record.
  func encode(_ stored: StoredRecord, in table: EntryTable) -> [UInt8] {
    let record = stored.record
    let binding = Self.bytes(of: record.binding)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(binding.count + record.value.count + Self.overhead)
    bytes.append(littleEndian: Self.magic)
    bytes.append(Self.format)
    bytes.append(
      (record.isValue ? 0 : Self.tombstoneFlag) | (table == .records ? 0 : Self.publicationFlag))
    bytes.append(record.id.kind.rawValue)
    bytes.append(0)
    bytes.append(littleEndian: record.version.seq)
    bytes.append(littleEndian: record.version.expiry)
    bytes.append(littleEndian: stored.hidesUntil)
    bytes.append(littleEndian: UInt32(truncatingIfNeeded: binding.count))
    bytes.append(littleEndian: UInt32(truncatingIfNeeded: record.value.count))
    bytes += binding
    bytes += record.value
    let checksum = bytes.withRawSpan { self.checksum(of: $0, id: record.id) }
    bytes.append(littleEndian: checksum)
    return bytes
  }

  /// The record in an entry; nil if the entry is damaged or belongs elsewhere.
  func decode(_ bytes: RawSpan, id: RecordID, in table: EntryTable) -> StoredRecord? {
    guard let header = Header(bytes), header.length == bytes.byteCount, header.table == table else {
      return nil
    }
    return decode(bytes, header, id: id)
  }

  /// The record at the start of arbitrary bytes, from either table.
  func find(in bytes: RawSpan) -> Found {
    guard let header = Header(bytes) else { return .nothing }
    guard header.length <= bytes.byteCount else { return .incomplete(length: header.length) }
    let entry = bytes.extracting(first: header.length)
    // The ID is derived from the entry, and the checksum covers the ID, so both are known to match.
    guard let id = header.id(in: entry) else { return .damaged }
    return decode(entry, header, id: id).map { .entry($0, header.table, length: header.length) }
      ?? .damaged
  }

  /// The result of `find`.
  enum Found {
    case entry(StoredRecord, EntryTable, length: Int)
    /// The start of an entry of this length, which continues beyond the bytes.
    case incomplete(length: Int)
    /// The start of an entry, but an invalid one.
    case damaged
    case nothing
  }

  private func decode(
    _ bytes: RawSpan, _ header: Header, id: RecordID
  ) -> StoredRecord? {
    let covered = bytes.extracting(droppingLast: 4)
    guard checksum(of: covered, id: id) == bytes.littleEndian(at: covered.byteCount, UInt32.self) else {
      return nil
    }
    guard header.kind == id.kind, let binding = header.binding(in: bytes) else { return nil }
    let record = Record(
      trusted: binding, id: id, value: header.value(in: bytes), version: header.version)
    return StoredRecord(record, hidesUntil: header.hidesUntil)
  }

  private static func bytes(of binding: Record.Binding) -> [UInt8] {
    switch binding {
    case .plain(let key): key
    case .immutable: []
    case .signed(let authorship): authorship.owner.bytes + authorship.signature.bytes + authorship.salt
    }
  }

  private func checksum(of bytes: RawSpan, id: RecordID) -> UInt32 {
    let start = id.key.withRawSpan { Self.crc32(of: $0, continuing: salt) }
    return Self.crc32(of: bytes, continuing: start)
  }

  /// Continues a CRC-32 with further bytes.
  static func crc32(of bytes: RawSpan, continuing before: UInt32 = 0) -> UInt32 {
    // zlib reads exactly `bytes.count` bytes, and keeps no pointer.
    unsafe bytes.withUnsafeBytes { bytes in
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      return unsafe UInt32(truncatingIfNeeded: crc32_z(UInt(before), start, bytes.count))
    }
  }

  /// The fixed part of an entry. Its lengths are checked for plausibility only.
  private struct Header {
    let flags: UInt8
    let kind: RecordKind
    let version: RecordVersion
    let hidesUntil: Int64
    let bindingLength: Int
    let valueLength: Int

    init?(_ bytes: RawSpan) {
      guard bytes.byteCount >= RecordCoding.overhead,
        bytes.littleEndian(at: 0, UInt32.self) == RecordCoding.magic,
        bytes.byte(at: 4) == RecordCoding.format,
        let kind = RecordKind(rawValue: bytes.byte(at: 6))
      else { return nil }
      flags = bytes.byte(at: 5)
      self.kind = kind
      version = RecordVersion(
        seq: bytes.littleEndian(at: 8, Int64.self), expiry: bytes.littleEndian(at: 16, Int64.self),
        isTombstone: flags & RecordCoding.tombstoneFlag != 0)
      hidesUntil = bytes.littleEndian(at: 24, Int64.self)
      bindingLength = Int(bytes.littleEndian(at: 32, UInt32.self))
      valueLength = Int(bytes.littleEndian(at: 36, UInt32.self))
      guard length <= RecordCoding.maxLength else { return nil }
    }

    var table: EntryTable { flags & RecordCoding.publicationFlag == 0 ? .records : .publications }
    var length: Int { RecordCoding.overhead + bindingLength + valueLength }

    /// The binding of the record to its ID; nil if it is invalid.
    func binding(in bytes: RawSpan) -> Record.Binding? {
      let content = bytes.extracting(droppingFirst: RecordCoding.headerLength).extracting(
        first: bindingLength)
      switch kind {
      case .plain: return .plain(key: [UInt8](content))
      case .immutable: return content.isEmpty ? .immutable : nil
      case .signed:
        let proof = content.extracting(droppingFirst: PublicKey.byteCount)
        guard let owner = PublicKey([UInt8](content.extracting(first: PublicKey.byteCount))),
          let signature = Signature([UInt8](proof.extracting(first: Signature.byteCount)))
        else { return nil }
        return .signed(
          Record.Authorship(
            owner: owner, salt: [UInt8](proof.extracting(droppingFirst: Signature.byteCount)),
            signature: signature))
      }
    }

    /// The ID that follows from the record; nil if it is invalid.
    func id(in bytes: RawSpan) -> RecordID? {
      switch binding(in: bytes) {
      case .plain(let key)?: RecordName.plain(key: key).id
      case .immutable?: RecordID(.immutable, NodeID(sha1Of: value(in: bytes)))
      case .signed(let authorship)?: RecordName.signed(authorship.owner, salt: authorship.salt).id
      case nil: nil
      }
    }

    func value(in bytes: RawSpan) -> [UInt8] {
      let start = RecordCoding.headerLength + bindingLength
      return [UInt8](bytes.extracting(droppingFirst: start).extracting(first: valueLength))
    }
  }
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger>(littleEndian number: Number) {
    // The bytes are copied before the closure returns.
    unsafe Swift.withUnsafeBytes(of: number.littleEndian) { unsafe self += $0 }
  }

  /// Copies bytes.
  init(_ bytes: RawSpan) {
    // The bytes are copied before the closure returns.
    self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }

  /// Gives the bytes to a closure as a span.
  func withRawSpan<Result>(_ body: (RawSpan) throws -> Result) rethrows -> Result {
    // `bytes` is unsafe only for types with padding, and `UInt8` has none.
    try body(unsafe span.bytes)
  }
}

extension RawSpan {
  /// The byte at an offset; it traps out of bounds.
  func byte(at offset: Int) -> UInt8 { number(at: offset, UInt8.self) }

  /// The number that begins at an offset, in the byte order of the machine; it traps out of bounds.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _ type: Number.Type) -> Number {
    // The load checks its bounds, and any bytes are a valid integer.
    unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The number that begins at an offset, least significant byte first; it traps out of bounds.
  func littleEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, _ type: Number.Type
  ) -> Number {
    Number(littleEndian: number(at: offset, type))
  }

  /// The number that begins at an offset, most significant byte first; it traps out of bounds.
  func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, _ type: Number.Type
  ) -> Number {
    Number(bigEndian: number(at: offset, type))
  }

  /// Returns true if the span begins with these bytes.
  func starts(with prefix: [UInt8]) -> Bool {
    // Iteration stays within the bounds of the buffer.
    unsafe withUnsafeBytes { unsafe $0.starts(with: prefix) }
  }
}
