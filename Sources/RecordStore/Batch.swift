import Kademlia
import NodeTime

/// The changes of a transaction, carried out and not yet committed.
struct Batch {
  let transaction: Transaction
  let tables: StoreTables
  let limit: StoreLimit
  let pageSize: Int
  let damage: DamageLog
  /// The metadata after the changes so far.
  var metadata: StoreMetadata
  /// The bytes on disk for all pages in use, besides the room set aside for copies on write.
  var bytesOnDisk = Int.max
  /// True if anything but the metadata was changed.
  private(set) var isChanged = false

  /// Carries out a change.
  ///
  /// - Returns: the number of changed entries, or the reason why none was changed.
  /// - Throws: `LMDBError`; the transaction must then be aborted.
  mutating func carryOut(_ change: StoreChange) throws(LMDBError) -> Result<Int, StoreError> {
    switch change {
    case .keep(let record): try keep(record)
    case .publish(let record): try publish(record)
    case .withdraw(let id, let seq): .success(try withdraw(id, seq: seq))
    case .removeExpired(let now, let limit): .success(try removeExpired(at: now, limit: limit))
    case .noteProgress(let progress): .success(note(progress))
    }
  }

  /// Writes the metadata.
  func finish() throws(LMDBError) {
    try transaction.put(tables.meta, StoreTables.metadataKey, metadata.encoded())
  }

  /// Keeps a version and the time until which it hides others, by the rules of `StoredRecord`. With
  /// `hidesUntil` the later of the two times applies.
  mutating func keep(
    _ record: Record, hidesUntil: Int64? = nil
  ) throws(LMDBError) -> Result<Int, StoreError> {
    let slot = try lookUp(record.id, in: .records)
    var new: StoredRecord
    switch StoredRecord.deciding(held: slot.stored, arriving: record) {
    case .unchanged: return .success(0)
    case .stale(let newer): return .failure(.superseded(seq: newer.seq))
    case .kept(let stored): new = stored
    }
    if let hidesUntil, hidesUntil > new.hidesUntil { new = StoredRecord(record, hidesUntil: hidesUntil) }
    return try write(new, over: slot, in: .records)
  }

  private mutating func publish(_ record: Record) throws(LMDBError) -> Result<Int, StoreError> {
    let slot = try lookUp(record.id, in: .publications)
    if let current = slot.stored?.record {
      if current == record { return .success(0) }
      if current.supersedes(record) { return .failure(.superseded(seq: current.version.seq)) }
    }
    let new = StoredRecord(record, hidesUntil: record.version.expiry)
    return try write(new, over: slot, in: .publications)
  }

  private mutating func withdraw(_ id: RecordID, seq: Int64) throws(LMDBError) -> Int {
    let slot = try lookUp(id, in: .publications)
    guard let current = slot.stored, current.record.version.seq == seq else { return 0 }
    try remove(id, slot, from: .publications)
    return 1
  }

  private mutating func removeExpired(at now: WallTime, limit: Int) throws(LMDBError) -> Int {
    var removed = 0
    while removed < limit {
      let due = try dueEntries(at: now, limit: limit - removed)
      if due.isEmpty { break }
      for key in due {
        isChanged = true
        try transaction.delete(tables.expiry, key)
        guard let expiry = key.withRawSpan(ExpiryKey.init(key:)) else { continue }
        let slot = try lookUp(expiry.id, in: expiry.table)
        switch slot {
        case .empty: continue
        // Left by a version that was damaged when it was replaced, because its expiry was unknown then.
        case .entry(let stored, _) where stored.record.version.expiry != expiry.time: continue
        case .entry(let stored, _) where expiry.table == .records:
          // The remains are smaller, so there is room for them.
          if let remains = stored.remains(at: now) {
            _ = try write(remains, over: slot, in: .records)
          } else {
            try remove(expiry.id, slot, from: .records)
          }
        case .entry, .damaged:
          try remove(expiry.id, slot, from: expiry.table)
        }
        removed += 1
      }
    }
    return removed
  }

  /// The first keys of the index by expiry that are due or invalid.
  private func dueEntries(at now: WallTime, limit: Int) throws(LMDBError) -> [[UInt8]] {
    var due: [[UInt8]] = []
    try transaction.walk(tables.expiry, from: []) { (key, _) in
      if let expiry = ExpiryKey(key: key), expiry.time > now.seconds { return false }
      due.append([UInt8](key))
      return due.count < limit
    }
    return due
  }

  private mutating func note(_ progress: UpkeepProgress) -> Int {
    metadata.progress = progress
    return 1
  }

  // MARK: - Entries and their indexes

  private func lookUp(_ id: RecordID, in table: EntryTable) throws(LMDBError) -> Slot {
    let slot = try tables.lookUp(id, in: table, of: transaction)
    if case .damaged = slot { damage.note(id) }
    return slot
  }

  private mutating func write(
    _ new: StoredRecord, over slot: Slot, in table: EntryTable
  ) throws(LMDBError) -> Result<Int, StoreError> {
    let bytes = tables.coding.encode(new, in: table)
    // An entry that a read would reject must not be written.
    guard bytes.count <= RecordCoding.maxLength else {
      return .failure(.failed("the record is larger than \(RecordCoding.maxLength) bytes"))
    }
    if bytes.count > slot.length ?? 0, let problem = try lackOfRoom(for: bytes.count) {
      return .failure(problem)
    }
    isChanged = true
    let record = new.record
    let expiry = record.version.expiry
    if let old = slot.stored?.record.version.expiry, old != expiry {
      try transaction.delete(tables.expiry, ExpiryKey(time: old, table: table, id: record.id).key)
    }
    // An existing key stays unchanged.
    try transaction.put(tables.expiry, ExpiryKey(time: expiry, table: table, id: record.id).key, [])
    if table == .records {
      let index = IndexKey(of: record.key, target: record.target).key
      // The index has the record's counts, because the record itself may be damaged.
      try uncount(index)
      if record.isValue {
        try transaction.put(tables.keys, index, IndexValue(of: record).bytes)
        metadata.valueBytes += record.payloadSize
      } else {
        try transaction.delete(tables.keys, index)
      }
    }
    try transaction.put(tables.table(table), record.id.key, bytes)
    return .success(1)
  }

  private mutating func remove(
    _ id: RecordID, _ slot: Slot, from table: EntryTable
  ) throws(LMDBError) {
    isChanged = true
    if let stored = slot.stored {
      try transaction.delete(
        tables.expiry, ExpiryKey(time: stored.record.version.expiry, table: table, id: id).key)
    }
    if table == .records {
      let index =
        if let record = slot.stored?.record { IndexKey(of: record.key, target: record.target).key } else {
          try indexKey(of: id)
        }
      if let index {
        try uncount(index)
        try transaction.delete(tables.keys, index)
      }
    }
    try transaction.delete(tables.table(table), id.key)
  }

  private mutating func uncount(_ index: [UInt8]) throws(LMDBError) {
    guard let value = try transaction.withValue(tables.keys, index, { IndexValue($0) }) ?? nil else { return }
    metadata.valueBytes = max(0, metadata.valueBytes - value.payloadSize)
  }

  /// The index key of a record whose own key cannot be read. The whole index is searched, because damage is
  /// rare.
  private func indexKey(of id: RecordID) throws(LMDBError) -> [UInt8]? {
    var found: [UInt8]?
    try transaction.walk(tables.keys, from: []) { (key, value) in
      if IndexKey.target(in: key) == id.target, IndexValue(value)?.kind == id.kind { found = [UInt8](key) }
      return found == nil
    }
    return found
  }

  /// The reason why there is no room for a further entry within the limit and on the disk; nil if there is
  /// room.
  private func lackOfRoom(for length: Int) throws(LMDBError) -> StoreError? {
    // An entry may split a page in each of three tables, besides the pages that it fills.
    let worst = (length / pageSize + 4) * pageSize
    let bytes = try tables.pages(in: transaction) * pageSize + worst
    return bytes > limit.threshold ? .full(limit: limit.maxBytes) : bytes > bytesOnDisk ? .diskFull : nil
  }
}
