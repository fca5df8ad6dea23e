package import NodeTime

/// The part of a store that the core reads. Writes go the other way round: the core asks for them with an
/// effect, and is told when they are done.
package protocol RecordReader: AnyObject {
  /// Returns the record that this node holds under an ID, whether it is live or not.
  func stored(_ id: RecordID) -> StoredRecord?
  /// Returns the records that this node holds, in the order of the IDs: tombstones and expired versions too.
  ///
  /// - Parameters:
  ///   - first: the least ID that counts.
  ///   - limit: the most records.
  func records(from first: RecordID, limit: Int) -> [StoredRecord]
  /// Returns the records that this node publishes, in the order of the IDs, as `records(from:limit:)` does.
  func publications(from first: RecordID, limit: Int) -> [Record]
  /// The amount of data that the store holds, as of its last commit.
  var usage: StoreUsage { get }
  /// The progress that `.noteProgress` noted last; the zero IDs in a new store.
  var progress: UpkeepProgress { get }
}

/// A store as the shell of a core sees it: it takes the changes that the core asks for, and reports the
/// result of each.
///
/// All of it is called on one event loop.
package protocol RecordStorage: RecordReader {
  /// Takes changes over. They are carried out in their order, at once or later, and those that are
  /// taken over together end together: what is durable of a confirmed one stays so.
  func submit(_ changes: [(change: StoreChange, id: CommitID)])
  /// Returns the results of changes since the last call.
  func takeResults() -> [StoreResult]
  /// Has a function called, from any thread, whenever there are results that came by themselves.
  func notify(_ resultsCame: @escaping @Sendable () -> Void)
  /// A page of the live values in an order of their keys (`Record.key`) that stays the same.
  ///
  /// - Parameters:
  ///   - prefix: only keys that start with this.
  ///   - cursor: only records after this place.
  ///   - limit: the most records.
  func page(prefix: [UInt8], after cursor: PagePlace?, limit: Int, at now: WallTime) -> [Record]
  /// The most bytes that it may take. A smaller limit drops nothing: it keeps further records out.
  var maxBytes: Int { get set }
  /// Records that were found damaged when they were read since the start.
  var damagedRecords: Int { get }
  /// True if confirmed changes outlive this process, however it ends.
  var isDurable: Bool { get }
  /// Why it can do nothing any more; nil while it can. What it reads then means nothing: the node should
  /// say nothing more, end, and be started again.
  var failure: String? { get }
  /// Closes the store after the submitted changes are carried out. Nothing may be called after this.
  func close()
}

/// Where a record is in the order of pages: by its key, and where several have the same, by its ID.
package struct PagePlace: Hashable, Comparable, Sendable {
  /// The key, by which pages are ordered.
  package let key: [UInt8]
  /// The ID, which orders records with the same key.
  package let id: RecordID

  package init(key: [UInt8], id: RecordID) {
    self.key = key
    self.id = id
  }

  package init(of record: Record) { self.init(key: record.key, id: record.id) }

  package static func < (left: PagePlace, right: PagePlace) -> Bool {
    left.key != right.key ? left.key.lexicographicallyPrecedes(right.key) : left.id < right.id
  }
}

/// Something that a store is asked to do. Each is carried out whole or not at all.
package enum StoreChange: Hashable, Sendable {
  /// Keep a version that this node should hold, unless a newer one is held.
  case keep(Record)
  /// Remember a version that this node publishes, unless it publishes a newer one.
  case publish(Record)
  /// Forget the publication of this version, if there is one.
  case withdraw(RecordID, seq: Int64)
  /// Drop what has expired, of records and of publications, the longest expired first. Of a record that
  /// hides older versions its tombstone stays (`StoredRecord.remains`).
  case removeExpired(at: WallTime, limit: Int)
  /// Note how far upkeep has come. It need not be durable.
  case noteProgress(UpkeepProgress)
}

/// The result of a change.
package struct StoreResult: Sendable {
  /// The ID of the change.
  package let id: CommitID
  /// The number of entries that the change affected, or the error that kept it from affecting any.
  package let result: Result<Int, StoreError>

  package init(id: CommitID, result: Result<Int, StoreError>) {
    self.id = id
    self.result = result
  }
}

/// The amount of data that a store holds.
package struct StoreUsage: Hashable, Sendable {
  /// Records that are no tombstones.
  package var values = 0
  /// The bytes of their keys and values.
  package var valueBytes = 0
  /// Tombstones.
  package var tombstones = 0
  /// Versions that this node publishes.
  package var publications = 0
  /// The number of bytes that count against the limit: those that all of it takes in memory or on the disk.
  package var bytes = 0
  /// The most bytes that it may take.
  package var limit = 0

  package init() {}

  /// All that the node holds for the network.
  package var records: Int { values + tombstones }
  /// The share of the limit that is used: 1 if full, and more if the limit was lowered since.
  package var fullness: Double { limit > 0 ? Double(bytes) / Double(limit) : 1 }
}

/// The progress of the rounds of upkeep: the part that they have yet to visit begins here.
package struct UpkeepProgress: Hashable, Sendable {
  /// The next record to replicate.
  package var replicate: RecordID
  /// The next publication to publish again.
  package var republish: RecordID

  package init(replicate: RecordID = .first, republish: RecordID = .first) {
    self.replicate = replicate
    self.republish = republish
  }
}

/// Why a store could not keep a record.
package enum StoreError: Error, Hashable, Sendable {
  /// The limit on the store's size, in bytes.
  case full(limit: Int)
  /// The disk has no room, whatever the limit is.
  case diskFull
  /// A newer version is held by now; its seq.
  case superseded(seq: Int64)
  /// The disk or the file failed; what the system said.
  case failed(String)
}

extension StoreError {
  /// True if a newer version stood in the way.
  var isOverSeq: Bool {
    if case .superseded = self { true } else { false }
  }
}

extension StoreError: CustomStringConvertible {
  /// A description in one line, for a person.
  package var description: String {
    switch self {
    case .full(let limit): "the store is full: its limit is \(limit) bytes"
    case .diskFull: "the disk is full"
    case .superseded(let seq): "seq \(seq) is held"
    case .failed(let reason): "the store failed: \(reason)"
    }
  }
}
