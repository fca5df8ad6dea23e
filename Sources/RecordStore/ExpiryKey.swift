import Kademlia

/// A key of the index by expiry: the time at which an entry may be removed, and its ID.
struct ExpiryKey {
  /// Seconds since the epoch.
  let time: Int64
  let table: EntryTable
  let id: RecordID

  private static let length = 8 + 1 + RecordID.keyLength

  /// The bytes of the key. They sort by time, including times before the epoch.
  var key: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.length)
    // The bytes are copied before the closure returns.
    unsafe withUnsafeBytes(of: (UInt64(bitPattern: time) ^ (1 << 63)).bigEndian) { unsafe bytes += $0 }
    bytes.append(table.rawValue)
    bytes += id.key
    return bytes
  }

  init(time: Int64, table: EntryTable, id: RecordID) {
    self.time = time
    self.table = table
    self.id = id
  }

  init?(key bytes: RawSpan) {
    guard bytes.byteCount == Self.length, let table = EntryTable(rawValue: bytes.byte(at: 8)),
      let id = RecordID(key: bytes.extracting(droppingFirst: 9))
    else { return nil }
    let time = bytes.bigEndian(at: 0, UInt64.self)
    self.init(time: Int64(bitPattern: time ^ (1 << 63)), table: table, id: id)
  }
}
