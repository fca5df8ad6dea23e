import Kademlia
import NodeTime

/// A store in memory that stalls, refuses, breaks and finds damage when a test wants it to.
final class ScriptedStore: RecordStorage {
  private let records = MemoryStore(maxBytes: 1 << 20)
  private var results: [StoreResult] = []
  /// Kept, as other stores keep it.
  private var resultsCame: (@Sendable () -> Void)?
  /// The sizes of the batches that were submitted.
  private(set) var batches: [Int] = []
  private(set) var isClosed = false
  /// The most results that are given at a time; 0: it stalls.
  var resultLimit = Int.max
  /// The error of further changes; nil if they succeed.
  var error: StoreError?
  /// The bytes that the store reports; nil for the true number.
  var reportedBytes: Int?
  var failure: String?
  /// True if the store breaks when it is given the next changes.
  var breaksAtSubmit = false
  var damagedRecords = 0
  var isDurable: Bool { true }

  func submit(_ changes: [(change: StoreChange, id: CommitID)]) {
    guard !changes.isEmpty else { return }
    if breaksAtSubmit { failure = "EIO" }
    batches.append(changes.count)
    if let error {
      results += changes.map { StoreResult(id: $0.id, result: .failure(error)) }
    } else {
      records.submit(changes)
      results += records.takeResults()
    }
  }

  func takeResults() -> [StoreResult] {
    let given = results.prefix(resultLimit)
    results.removeFirst(given.count)
    return Array(given)
  }

  var usage: StoreUsage {
    var usage = records.usage
    if let reportedBytes { usage.bytes = reportedBytes }
    return usage
  }

  func notify(_ resultsCame: @escaping @Sendable () -> Void) { self.resultsCame = resultsCame }
  func close() { isClosed = true }
  func stored(_ id: RecordID) -> StoredRecord? { records.stored(id) }
  func records(from first: RecordID, limit: Int) -> [StoredRecord] {
    records.records(from: first, limit: limit)
  }
  func publications(from first: RecordID, limit: Int) -> [Record] {
    records.publications(from: first, limit: limit)
  }
  func page(prefix: [UInt8], after cursor: PagePlace?, limit: Int, at now: WallTime) -> [Record] {
    records.page(prefix: prefix, after: cursor, limit: limit, at: now)
  }
  var progress: UpkeepProgress { records.progress }
  var maxBytes: Int {
    get { records.maxBytes }
    set { records.maxBytes = newValue }
  }
}
