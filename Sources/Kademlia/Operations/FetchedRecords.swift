import DequeModule
package import NodeTime

/// Copies of records that this node has read for its users. A get that accepts an answer some seconds old is
/// answered from them.
package struct FetchedRecords: Sendable {
  private struct Copy: Sendable {
    let record: Record
    let fetched: Instant
    let serial: UInt64
  }

  /// The most records. Above the limit, the record fetched longest ago is evicted.
  var capacity: Int {
    didSet { makeRoom() }
  }
  /// The most bytes that their keys and values may take.
  var maxBytes: Int {
    didSet { makeRoom() }
  }
  private var copies: [RecordID: Copy] = [:]
  /// In the order of fetching. An entry is stale if its serial is not that of the copy.
  private var order: Deque<(id: RecordID, serial: UInt64)> = []
  private var lastSerial: UInt64 = 0
  /// The bytes that their keys and values take.
  package private(set) var bytes = 0

  package init(capacity: Int, maxBytes: Int) {
    self.capacity = capacity
    self.maxBytes = maxBytes
  }

  /// The number of copies.
  package var count: Int { copies.count }

  /// Adds a record that was read just now.
  package mutating func insert(_ now: Instant, _ record: Record) {
    remove(record.id)
    lastSerial += 1
    copies[record.id] = Copy(record: record, fetched: now, serial: lastSerial)
    bytes += record.storedSize
    order.append((record.id, lastSerial))
    makeRoom()
  }

  private mutating func makeRoom() {
    while copies.count > capacity || bytes > maxBytes || order.count > 2 * capacity,
      let oldest = order.popFirst()
    {
      if copies[oldest.id]?.serial == oldest.serial { remove(oldest.id) }
    }
  }

  /// Drops a copy that must not be returned any more.
  package mutating func remove(_ id: RecordID) {
    guard let copy = copies.removeValue(forKey: id) else { return }
    bytes -= copy.record.storedSize
  }

  /// Drops the copy unless it is the same version as the record that replaces it.
  mutating func remove(replacedBy record: Record) {
    if copies[record.id]?.record.isSameVersion(as: record) != true { remove(record.id) }
  }

  /// Returns a live copy that is recent enough, with its age; nil if there is none.
  ///
  /// - Parameter maxAge: the greatest accepted age, in seconds. 0 accepts no copy.
  package func copy(_ now: Now, of id: RecordID, maxAge: Int64) -> (record: Record, age: Duration)? {
    guard maxAge > 0, let copy = copies[id], !copy.record.version.isExpired(at: now.wall) else {
      return nil
    }
    let age = now.monotonic.since(copy.fetched)
    return age <= .seconds(maxAge) ? (copy.record, age) : nil
  }
}
