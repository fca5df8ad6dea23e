import HeapModule
package import NodeTime

/// Records in memory: for throw-away nodes, for simulations and for tests.
package final class MemoryStore: RecordStorage {
  private struct Expiry: Comparable {
    enum Table { case records, publications }

    let time: Int64
    let id: RecordID
    let table: Table

    static func < (left: Expiry, right: Expiry) -> Bool {
      left.time != right.time ? left.time < right.time : left.id < right.id
    }
  }

  /// The cost of an entry beyond its key and value, counted against the limit so that many tiny
  /// records cannot take more memory than intended.
  package static let overhead = 256

  /// The most bytes that keys, values and overhead may take. A smaller limit drops nothing: it keeps
  /// further records out.
  package var maxBytes: Int
  private var records: [RecordID: StoredRecord] = [:]
  private var order = SortedIDs()
  private var published: [RecordID: Record] = [:]
  private var publishedOrder = SortedIDs()
  /// When each record may go. An entry whose record has changed since is stale and passed over.
  private var expiries: Heap<Expiry> = []
  /// The bytes of all keys and values, those of tombstones and of publications among them.
  package private(set) var payloadBytes = 0
  private var values = (count: 0, bytes: 0)
  private var results: [StoreResult] = []
  package private(set) var progress = UpkeepProgress()

  package init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// Records held, tombstones and expired ones that still hide others among them.
  package var count: Int { records.count }

  /// The number of expiries noted, including those of versions that are gone.
  package var notedExpiries: Int { expiries.count }

  // MARK: - Reading

  package func stored(_ id: RecordID) -> StoredRecord? { records[id] }

  package func records(from first: RecordID, limit: Int) -> [StoredRecord] {
    order.from(first, limit: limit).compactMap { records[$0] }
  }

  package func publications(from first: RecordID, limit: Int) -> [Record] {
    publishedOrder.from(first, limit: limit).compactMap { published[$0] }
  }

  package var usage: StoreUsage {
    var usage = StoreUsage()
    usage.values = values.count
    usage.valueBytes = values.bytes
    usage.tombstones = records.count - values.count
    usage.publications = published.count
    usage.bytes = payloadBytes + (records.count + published.count) * Self.overhead
    usage.limit = maxBytes
    return usage
  }

  /// Memory is not checked.
  package var damagedRecords: Int { 0 }

  package func page(
    prefix: [UInt8], after cursor: PagePlace?, limit: Int, at now: WallTime
  ) -> [Record] {
    struct Entry: Comparable {
      let place: PagePlace
      let record: Record

      static func < (left: Entry, right: Entry) -> Bool { left.place < right.place }
      static func == (left: Entry, right: Entry) -> Bool { left.place == right.place }
    }
    // The limit smallest keys, in one pass: the greatest of them leaves when a smaller one comes.
    var page: Heap<Entry> = []
    for stored in records.values {
      guard let record = stored.live(at: now), !record.version.isTombstone,
        record.key.starts(with: prefix)
      else { continue }
      let place = PagePlace(of: record)
      if let cursor, place <= cursor { continue }
      page.insert(Entry(place: place, record: record))
      if page.count > limit { page.removeMax() }
    }
    return page.unordered.sorted().map(\.record)
  }

  // MARK: - Changing

  package func submit(_ changes: [(change: StoreChange, id: CommitID)]) {
    for (change, id) in changes {
      let result = Result { () throws(StoreError) in try apply(change) }
      results.append(StoreResult(id: id, result: result))
    }
  }

  package func takeResults() -> [StoreResult] {
    defer { results = [] }
    return results
  }

  /// Nothing comes by itself: what is submitted is done at once.
  package func notify(_ resultsCame: @escaping @Sendable () -> Void) {}

  package var isDurable: Bool { false }

  package var failure: String? { nil }

  package func close() {}

  /// Carries a change out.
  ///
  /// - Returns: how many entries it changed.
  /// - Throws: `StoreError`, and then nothing has changed.
  package func apply(_ change: StoreChange) throws(StoreError) -> Int {
    switch change {
    case .keep(let record):
      return try write(record) ? 1 : 0
    case .publish(let record):
      return try publish(record) ? 1 : 0
    case .withdraw(let id, let seq):
      guard let current = published[id], current.version.seq == seq else { return 0 }
      withdraw(current)
      return 1
    case .removeExpired(let now, let limit):
      return removeExpired(at: now, limit: limit)
    case .noteProgress(let progress):
      self.progress = progress
      return 1
    }
  }

  /// Keeps a version.
  ///
  /// - Returns: whether that changed anything.
  /// - Throws: `StoreError`, and then nothing has changed.
  @discardableResult
  package func write(_ record: Record) throws(StoreError) -> Bool {
    let held = records[record.id]
    let new: StoredRecord
    switch StoredRecord.deciding(held: held, arriving: record) {
    case .unchanged: return false
    case .stale(let newer): throw .superseded(seq: newer.seq)
    case .kept(let stored): new = stored
    }
    try makeRoom(for: record, over: held?.record)
    if let held { countValue(held.record, times: -1) }
    countValue(record, times: 1)
    records[record.id] = new
    order.insert(record.id)
    let expiry = new.record.version.expiry
    if held?.record.version.expiry != expiry { note(expiry, record.id, .records) }
    return true
  }

  private func publish(_ record: Record) throws(StoreError) -> Bool {
    let current = published[record.id]
    if let current {
      if current == record { return false }
      if current.supersedes(record) { throw .superseded(seq: current.version.seq) }
    }
    try makeRoom(for: record, over: current)
    published[record.id] = record
    publishedOrder.insert(record.id)
    note(record.version.expiry, record.id, .publications)
    return true
  }

  private func withdraw(_ record: Record) {
    payloadBytes -= record.storedSize
    published[record.id] = nil
    publishedOrder.remove(record.id)
  }

  private func makeRoom(for record: Record, over old: Record?) throws(StoreError) {
    let growth = record.storedSize - (old?.storedSize ?? 0)
    let entries = records.count + published.count + (old == nil ? 1 : 0)
    if payloadBytes + growth + entries * Self.overhead > maxBytes, growth > 0 || old == nil {
      throw .full(limit: maxBytes)
    }
    payloadBytes += growth
  }

  private func note(_ time: Int64, _ id: RecordID, _ table: Expiry.Table) {
    expiries.insert(Expiry(time: time, id: id, table: table))
    // Rewriting one key over and over must not grow the heap: rebuild it when it is mostly stale.
    guard expiries.count > 64 + 2 * (records.count + published.count) else { return }
    expiries = Heap(
      records.values.map {
        Expiry(time: $0.record.version.expiry, id: $0.record.id, table: .records)
      }
        + published.values.map {
          Expiry(time: $0.version.expiry, id: $0.id, table: .publications)
        })
  }

  private func countValue(_ record: Record, times sign: Int) {
    guard record.isValue else { return }
    values.count += sign
    values.bytes += sign * record.storedSize
  }

  /// Drops what has expired, the longest expired first, and leaves tombstones of what hides older
  /// versions.
  ///
  /// - Returns: how many entries it changed.
  @discardableResult
  package func removeExpired(at now: WallTime, limit: Int = .max) -> Int {
    var removed = 0
    while removed < limit, let next = expiries.min, next.time <= now.seconds {
      expiries.removeMin()
      switch next.table {
      case .records:
        guard let stored = records[next.id], stored.record.version.isExpired(at: now) else { continue }
        payloadBytes -= stored.record.storedSize
        countValue(stored.record, times: -1)
        let remains = stored.remains(at: now)
        records[next.id] = remains
        if let remains {
          payloadBytes += remains.record.storedSize
          note(remains.record.version.expiry, next.id, .records)
        } else {
          order.remove(next.id)
        }
      case .publications:
        guard let record = published[next.id], record.version.isExpired(at: now) else { continue }
        withdraw(record)
      }
      removed += 1
    }
    return removed
  }
}
