import Kademlia

/// The databases in the file, and the coding of their entries.
///
/// `records` and `published` hold entries by ID; `expiry` and `keys` are indexes of them; `meta` holds the
/// metadata. Each record except tombstones has one entry in `keys`, so LMDB's own counts of entries are the
/// numbers of values and of tombstones.
struct StoreTables: Sendable {
  let records: TableHandle
  let published: TableHandle
  /// The index from `ExpiryKey` to nothing, for records and publications.
  let expiry: TableHandle
  /// The index from `IndexKey` to the expiry of the record (8 bytes), the bytes of its key and value (4),
  /// and its kind (1), which plain records omit.
  let keys: TableHandle
  let meta: TableHandle
  let coding: RecordCoding

  /// The key of the metadata in `meta`.
  static let metadataKey = Array("ledger".utf8)
  /// LMDB's own two databases: free pages, and the names of the others.
  private static let inner: [TableHandle] = [0, 1]

  /// Opens the databases, and creates missing ones.
  ///
  /// - Returns: the tables and the metadata, which has `salt` in a new file.
  /// - Throws: `LMDBError`.
  static func open(
    in transaction: Transaction, saltOfNew salt: UInt32
  ) throws(LMDBError) -> (tables: StoreTables, metadata: StoreMetadata.Reading) {
    let meta = try transaction.open("meta")
    let records = try transaction.open("records")
    let published = try transaction.open("published")
    let expiry = try transaction.open("expiry")
    let keys = try transaction.open("keys")
    var reading: StoreMetadata.Reading
    if let found = try transaction.withValue(meta, metadataKey, { StoreMetadata.read($0) }) {
      reading = found
    } else {
      // Only a file without records may lack the metadata.
      let count = try transaction.extent(of: records).entries
      reading = count == 0 ? .current(StoreMetadata(salt: salt)) : .damaged
    }
    // A negative number of bytes is as wrong as a bad checksum.
    if case .current(let metadata) = reading, metadata.valueBytes < 0 { reading = .damaged }
    var coding = RecordCoding(salt: salt)
    if case .current(let metadata) = reading { coding = RecordCoding(salt: metadata.salt) }
    let tables = StoreTables(
      records: records, published: published, expiry: expiry, keys: keys, meta: meta, coding: coding)
    return (tables, reading)
  }

  /// The table of a kind of entries.
  func table(_ table: EntryTable) -> TableHandle {
    switch table {
    case .records: records
    case .publications: published
    }
  }

  /// The entry under an ID.
  func lookUp(
    _ id: RecordID, in table: EntryTable, of transaction: Transaction
  ) throws(LMDBError) -> Slot {
    let slot = try transaction.withValue(self.table(table), id.key) { bytes -> Slot in
      let stored = coding.decode(bytes, id: id, in: table)
      return stored.map { .entry($0, length: bytes.byteCount) } ?? .damaged(length: bytes.byteCount)
    }
    return slot ?? .empty
  }

  /// The pages in use, including those of free lists.
  func pages(in transaction: Transaction) throws(LMDBError) -> Int {
    var pages = 2
    for table in [records, published, expiry, keys, meta] + Self.inner {
      pages += try transaction.extent(of: table).pages
    }
    return pages
  }

  /// The usage, without the limit.
  func usage(in transaction: Transaction, metadata: StoreMetadata, pageSize: Int) throws(LMDBError)
    -> StoreUsage
  {
    var usage = StoreUsage()
    usage.values = try transaction.extent(of: keys).entries
    usage.valueBytes = metadata.valueBytes
    usage.tombstones = max(0, try transaction.extent(of: records).entries - usage.values)
    usage.publications = try transaction.extent(of: published).entries
    usage.bytes = try pages(in: transaction) * pageSize
    return usage
  }
}

/// The content of a table under an ID.
enum Slot {
  case empty
  case entry(StoredRecord, length: Int)
  /// An entry with a wrong checksum.
  case damaged(length: Int)

  /// The entry, if it is valid.
  var stored: StoredRecord? {
    if case .entry(let stored, _) = self { stored } else { nil }
  }

  /// The bytes of the entry; nil if there is none.
  var length: Int? {
    switch self {
    case .empty: nil
    case .entry(_, let length), .damaged(let length): length
    }
  }
}

/// The value of an entry in the index by key.
struct IndexValue {
  /// The expiry of the record, in seconds since the epoch.
  let expiry: Int64
  /// The bytes of its key and value.
  let payloadSize: Int
  /// The kind of the record.
  let kind: RecordKind

  init(of record: Record) {
    kind = record.id.kind
    expiry = record.version.expiry
    payloadSize = record.payloadSize
  }

  init?(_ bytes: RawSpan) {
    // Plain records have no byte for the kind, because there was no other kind at first.
    guard bytes.byteCount == 12 || bytes.byteCount == 13,
      let kind = bytes.byteCount == 12 ? .plain : RecordKind(rawValue: bytes.byte(at: 12))
    else { return nil }
    self.kind = kind
    expiry = bytes.littleEndian(at: 0, Int64.self)
    payloadSize = Int(bytes.littleEndian(at: 8, UInt32.self))
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: expiry)
    bytes.append(littleEndian: UInt32(truncatingIfNeeded: payloadSize))
    if kind != .plain { bytes.append(kind.rawValue) }
    return bytes
  }
}
