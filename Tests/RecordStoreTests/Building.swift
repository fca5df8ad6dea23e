import Glibc
import NodeTime
import RecordStore
import TestSupport
import Testing

@testable import Kademlia

let now = WallTime(seconds: 1_800_000_000)

extension Record {
  static func plain(
    _ key: String, _ value: String, seq: Int64, expiry: Int64 = now.seconds + 3600
  ) -> Record {
    Record(
      plainKey: Array(key.utf8), value: Array(value.utf8), version: RecordVersion(seq: seq, expiry: expiry))
  }

  static func tombstone(_ key: String, seq: Int64, expiry: Int64 = now.seconds + 3600) -> Record {
    Record(
      plainKey: Array(key.utf8), value: [],
      version: RecordVersion(seq: seq, expiry: expiry, isTombstone: true))
  }
}

func id(_ key: String) -> RecordID { RecordID(.plain, NodeID(sha1Of: Array(key.utf8))) }

/// Waits on another thread's word.
final class Signal: Sendable {
  private let ends: [Int32]

  init() {
    var ends: [Int32] = [-1, -1]
    pipe(&ends)
    self.ends = ends
  }

  deinit { for end in ends { close(end) } }

  func give() {
    var byte: UInt8 = 0
    write(ends[1], &byte, 1)
  }

  func wait() {
    var byte: UInt8 = 0
    while read(ends[0], &byte, 1) < 0, errno == EINTR {}
  }
}

/// Any store, with calls that wait for the results.
final class StoreUnderTest {
  let storage: any RecordStorage
  private let signal = Signal()
  private var lastID: UInt64 = 0

  init(_ storage: any RecordStorage) {
    self.storage = storage
    let signal = signal
    storage.notify { signal.give() }
  }

  /// Carries changes out that are taken over together, and gives their results in their order.
  func carryOut(_ changes: [StoreChange]) -> [Result<Int, StoreError>] {
    let items = changes.map { change in
      lastID += 1
      return (change: change, id: CommitID(rawValue: lastID))
    }
    storage.submit(items)
    var results: [CommitID: Result<Int, StoreError>] = [:]
    while true {
      for result in storage.takeResults() { results[result.id] = result.result }
      if results.count == items.count { break }
      signal.wait()
    }
    return items.map { results[$0.id] ?? .failure(.failed("no result")) }
  }

  @discardableResult
  func carryOut(_ change: StoreChange) -> Result<Int, StoreError> { carryOut([change])[0] }

  @discardableResult
  func keep(_ record: Record) -> Result<Int, StoreError> { carryOut(.keep(record)) }

  /// All keys with a prefix, a page at a time.
  func keys(_ prefix: [UInt8] = [], pageSize: Int = 7) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    var last: PagePlace?
    while true {
      let page = storage.page(prefix: prefix, after: last, limit: pageSize, at: now)
      keys += page.map(\.key)
      last = page.last.map { PagePlace(of: $0) }
      if page.count < pageSize { return keys }
    }
  }

  /// All records, by a walk in small steps.
  func walk(step: Int = 10) -> [StoredRecord] {
    var found: [StoredRecord] = []
    var next: RecordID? = .first
    while let from = next {
      let part = storage.records(from: from, limit: step)
      found += part
      next = part.count < step ? nil : part.last?.record.id.next
    }
    return found
  }
}

/// The stores that keep the same laws.
enum Kind: CaseIterable { case memory, disk }

/// Runs a test with an empty store of a kind.
func withStore(
  _ kind: Kind, maxBytes: Int = 64 << 20, _ body: (StoreUnderTest) throws -> Void
) throws {
  switch kind {
  case .memory: try body(StoreUnderTest(MemoryStore(maxBytes: maxBytes)))
  case .disk:
    try withTemporaryDirectory { directory in
      let store = try RecordStore.open(directory: directory, maxBytes: maxBytes, at: now).store
      defer { store.close() }
      try body(StoreUnderTest(store))
    }
  }
}

/// Opens the store in a directory, uses it, and closes it.
@discardableResult
func withOpenStore<Result>(
  in directory: String, maxBytes: Int = 64 << 20, at time: WallTime = now,
  _ body: (StoreUnderTest, Salvage?) throws -> Result
) throws -> Result {
  let (store, salvage) = try RecordStore.open(directory: directory, maxBytes: maxBytes, at: time)
  defer { store.close() }
  return try body(StoreUnderTest(store), salvage)
}
