import DequeModule
package import NodeTime

/// Copies of records that this node has read for its users, for those who are content with an answer
/// that is some seconds old.
package struct FetchedRecords: Sendable {
  private struct Copy: Sendable {
    let record: Record
    let fetched: Instant
    let serial: UInt64
  }

  /// The most records; the one fetched longest ago makes room.
  var capacity: Int {
    didSet { makeRoom() }
  }
  /// The most bytes of their keys and values.
  var maxBytes: Int {
    didSet { makeRoom() }
  }
  private var copies: [RecordID: Copy] = [:]
  /// In order of time; a copy that was fetched again stands there twice, the first time in vain.
  private var order: Deque<(id: RecordID, serial: UInt64)> = []
  private var lastSerial: UInt64 = 0
  /// The bytes of their keys and values.
  package private(set) var bytes = 0

  package init(capacity: Int, maxBytes: Int) {
    self.capacity = capacity
    self.maxBytes = maxBytes
  }

  /// How many there are.
  package var count: Int { copies.count }

  /// Keeps a record that was read just now.
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

  /// Drops a copy that is not to be answered with any more.
  package mutating func remove(_ id: RecordID) {
    guard let copy = copies.removeValue(forKey: id) else { return }
    bytes -= copy.record.storedSize
  }

  /// Drops a copy of another version than the record that takes its place.
  mutating func remove(replacedBy record: Record) {
    if copies[record.id]?.record.isSameVersion(as: record) != true { remove(record.id) }
  }

  /// A live copy that is not too old, and how old it is.
  ///
  /// - Parameter maxAge: seconds.
  package func copy(_ now: Now, of id: RecordID, maxAge: Int64) -> (record: Record, age: Duration)? {
    guard maxAge > 0, let copy = copies[id], !copy.record.version.isExpired(at: now.wall) else {
      return nil
    }
    let age = now.monotonic.since(copy.fetched)
    return age <= .seconds(maxAge) ? (copy.record, age) : nil
  }
}
