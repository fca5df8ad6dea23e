import Kademlia

/// The databases in the file, and the coding of what is in them.
///
/// `records` and `published` hold entries by ID; `expiry` and `keys` are indexes of them; `meta` holds
/// the ledger. Each record that is no tombstone has one entry in `keys`, so LMDB's own counts of entries
/// are the numbers of values and of tombstones.
struct StoreTables: Sendable {
  let records: Table
  let published: Table
  /// `ExpiryKey` to nothing, for records and publications.
  let expiry: Table
  /// `IndexKey` to the expiry of the record (8 bytes), the bytes of its key and value (4), and its kind (1)
  /// where that is not plain.
  let keys: Table
  let meta: Table
  let coding: RecordCoding

  /// The key of the ledger in `meta`.
  static let ledgerKey = Array("ledger".utf8)
  /// LMDB's own two: free pages, and the names of the others.
  private static let inner: [Table] = [0, 1]

  /// Opens them, and makes those that are missing.
  ///
  /// - Returns: the tables, and the ledger; a new one with `salt` in a new file.
  /// - Throws: `LMDBError`.
  static func open(
    in transaction: Transaction, saltOfNew salt: UInt32
  ) throws(LMDBError) -> (tables: StoreTables, ledger: StoreMetadata.Reading) {
    let meta = try transaction.open("meta")
    let records = try transaction.open("records")
    let published = try transaction.open("published")
    let expiry = try transaction.open("expiry")
    let keys = try transaction.open("keys")
    var reading: StoreMetadata.Reading
    if let bytes = try transaction.get(meta, ledgerKey) {
      reading = StoreMetadata.reading(bytes)
    } else {
      // Only a file without records has none.
      let count = try transaction.extent(of: records).entries
      reading = count == 0 ? .current(StoreMetadata(salt: salt)) : .damaged
    }
    // A ledger of fewer bytes than any value is as wrong as one with a bad checksum.
    if case .current(let ledger) = reading, ledger.valueBytes < 0 { reading = .damaged }
    var coding = RecordCoding(salt: salt)
    if case .current(let ledger) = reading { coding = RecordCoding(salt: ledger.salt) }
    let tables = StoreTables(
      records: records, published: published, expiry: expiry, keys: keys, meta: meta, coding: coding)
    return (tables, reading)
  }

  /// The table of one sort of entries.
  func table(_ table: EntryTable) -> Table {
    switch table {
    case .records: records
    case .publications: published
    }
  }

  /// What is under an ID.
  func lookUp(
    _ id: RecordID, in table: EntryTable, of transaction: Transaction
  ) throws(LMDBError) -> Slot {
    guard let bytes = try transaction.get(self.table(table), id.key) else { return .empty }
    guard let stored = coding.decode(bytes, id: id, in: table) else { return .damaged(length: bytes.count) }
    return .entry(stored, length: bytes.count)
  }

  /// The pages that all of it uses, those of free lists among them.
  func pages(in transaction: Transaction) throws(LMDBError) -> Int {
    var pages = 2
    for table in [records, published, expiry, keys, meta] + Self.inner {
      pages += try transaction.extent(of: table).pages
    }
    return pages
  }

  /// How much is held, without the limit.
  func usage(in transaction: Transaction, ledger: StoreMetadata, pageSize: Int) throws(LMDBError)
    -> StoreUsage
  {
    var usage = StoreUsage()
    usage.values = try transaction.extent(of: keys).entries
    usage.valueBytes = ledger.valueBytes
    usage.tombstones = max(0, try transaction.extent(of: records).entries - usage.values)
    usage.publications = try transaction.extent(of: published).entries
    usage.bytes = try pages(in: transaction) * pageSize
    return usage
  }
}

/// What a table has under an ID.
enum Slot {
  case empty
  case entry(StoredRecord, length: Int)
  /// Something that its checksum does not fit.
  case damaged(length: Int)

  /// The entry, if it is sound.
  var stored: StoredRecord? {
    if case .entry(let stored, _) = self { stored } else { nil }
  }

  /// The bytes of the value; nil where there is nothing.
  var length: Int? {
    switch self {
    case .empty: nil
    case .entry(_, let length), .damaged(let length): length
    }
  }
}

/// What an entry of the index by key says, besides where its record is.
struct IndexValue {
  /// Of the record, seconds since the epoch.
  let expiry: Int64
  /// The bytes of its key and value.
  let payloadSize: Int
  /// Which of the records of its target it is.
  let kind: RecordKind

  init(of record: Record) {
    kind = record.id.kind
    expiry = record.version.expiry
    payloadSize = record.payloadSize
  }

  init?(_ bytes: UnsafeRawBufferPointer) {
    // Those of plain records have no byte for the kind: there was no other at first.
    guard bytes.count == 12 || bytes.count == 13,
      let kind = bytes.count == 12 ? .plain : RecordKind(rawValue: bytes[12])
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
