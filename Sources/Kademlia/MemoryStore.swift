import HeapModule

/// Records in memory: for throw-away nodes, for simulations and for tests.
package final class MemoryStore: RecordReader {
  private struct Expiry: Comparable {
    let time: Int64
    let id: RecordID

    static func < (left: Expiry, right: Expiry) -> Bool {
      left.time != right.time ? left.time < right.time : left.id < right.id
    }
  }

  /// What an entry costs beyond its key and value, counted against the limit so that many tiny
  /// records cannot take more memory than was meant.
  package static let overhead = 256

  /// The most bytes that keys, values and overhead may take. A smaller limit drops nothing: it keeps
  /// further records out.
  package var maxBytes: Int
  private var records: [RecordID: StoredRecord] = [:]
  /// When each record may go. An entry whose record has changed since is stale and passed over.
  private var expiries: Heap<Expiry> = []
  /// The bytes of all keys and values, those of tombstones among them.
  package private(set) var payloadBytes = 0

  package init(maxBytes: Int) {
    self.maxBytes = maxBytes
  }

  /// Records held, tombstones and expired ones that still hide others among them.
  package var count: Int { records.count }
  /// The records that are no tombstones, and the bytes of their keys and values.
  package private(set) var values = (count: 0, bytes: 0)

  /// How many expiries are noted, those of versions that are gone among them.
  package var notedExpiries: Int { expiries.count }

  /// What is held under an ID, whether it is live or not.
  package func stored(_ id: RecordID) -> StoredRecord? { records[id] }

  /// Keeps a version.
  ///
  /// - Throws: `StoreError`, and then nothing has changed.
  package func write(_ record: Record) throws(StoreError) {
    let held = records[record.id]
    let new: StoredRecord
    switch StoredRecord.deciding(held: held, arriving: record) {
    case .unchanged: return
    case .stale(let newer): throw .superseded(seq: newer.seq)
    case .kept(let stored): new = stored
    }
    let growth = record.payloadSize - (held?.record.payloadSize ?? 0)
    let entries = records.count + (held == nil ? 1 : 0)
    if payloadBytes + growth + entries * Self.overhead > maxBytes, growth > 0 || held == nil {
      throw .full(limit: maxBytes)
    }
    payloadBytes += growth
    if let held { countValue(held.record, times: -1) }
    countValue(record, times: 1)
    records[record.id] = new
    if held?.hidesUntil != new.hidesUntil {
      expiries.insert(Expiry(time: new.hidesUntil, id: record.id))
      // Rewriting one key over and over must not grow the heap: rebuild it when it is mostly stale.
      if expiries.count > 64 + 2 * records.count {
        expiries = Heap(records.values.map { Expiry(time: $0.hidesUntil, id: $0.record.id) })
      }
    }
  }

  private func countValue(_ record: Record, times sign: Int) {
    guard record.isValue else { return }
    values.count += sign
    values.bytes += sign * record.payloadSize
  }

  /// Drops what has expired and no longer hides anything.
  package func removeExpired(at now: WallTime) {
    while let next = expiries.min, next.time <= now.seconds {
      expiries.removeMin()
      guard let stored = records[next.id], stored.hidesUntil <= now.seconds else { continue }
      payloadBytes -= stored.record.payloadSize
      countValue(stored.record, times: -1)
      records[next.id] = nil
    }
  }

  /// A page of the live plain records in the order of their keys' bytes.
  ///
  /// - Parameters:
  ///   - prefix: only keys that start with this.
  ///   - cursor: only keys after this one.
  ///   - limit: the most records.
  package func page(
    prefix: [UInt8], after cursor: [UInt8]?, limit: Int, at now: WallTime
  ) -> [Record] {
    struct Entry: Comparable {
      let record: Record
      static func < (left: Entry, right: Entry) -> Bool {
        left.record.key.lexicographicallyPrecedes(right.record.key)
      }
    }
    // The limit smallest keys, in one pass: the greatest of them leaves when a smaller one comes.
    var page: Heap<Entry> = []
    for stored in records.values {
      guard let record = stored.live(at: now), !record.version.isTombstone,
        record.key.starts(with: prefix)
      else { continue }
      if let cursor, !cursor.lexicographicallyPrecedes(record.key) { continue }
      page.insert(Entry(record: record))
      if page.count > limit { page.removeMax() }
    }
    return page.unordered.sorted().map(\.record)
  }
}
