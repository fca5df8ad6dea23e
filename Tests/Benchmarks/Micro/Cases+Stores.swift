import Dispatch
import Glibc
import Kademlia
import RecordStore

extension Case {
  /// Records in memory and on the disk.
  static let stores = [
    Case("MemoryStore: keep a new version, 1,000 records", units: 0.57, allocations: 0) {
      let store = MemoryStore(maxBytes: 1 << 20)
      var versions = Versions()
      for _ in versions.records.indices { try store.write(versions.next()) }
      return { times in
        for _ in 0..<times { keep(try? store.write(versions.next())) }
      }
    },
    Case("MemoryStore: stored, 1,000 records", units: 0.11, allocations: 0) {
      let store = MemoryStore(maxBytes: 1 << 20)
      var versions = Versions()
      for _ in versions.records.indices { try store.write(versions.next()) }
      return { times in
        for _ in 0..<times { keep(store.stored(versions.nextID())) }
      }
    },
    Case("RecordStore: stored, 1,000 records", units: 0.86, allocations: 4) {
      let scratch = try ScratchStore()
      var versions = Versions()
      try scratch.keep(&versions, count: versions.records.count)
      guard scratch.store.stored(versions.nextID()) != nil else {
        throw NotAsExpected("the store has not what was kept")
      }
      return { times in
        for _ in 0..<times { keep(scratch.store.stored(versions.nextID())) }
      }
    },
    Case("RecordStore: commit 64 new versions, 1,000 records", units: 320, allocations: 2) {
      let scratch = try ScratchStore()
      var versions = Versions()
      try scratch.keep(&versions, count: versions.records.count)
      return { times in
        for _ in 0..<times { keep(try? scratch.keep(&versions, count: 64)) }
      }
    },
  ]

  /// The hashed bytes.
  static let digests = [
    Case("WriteTokenIssuer: issue to an address again", units: 0.042, allocations: 0) {
      var issuer = WriteTokenIssuer(secret: Array(repeating: 7, count: 32), epoch: .seconds(300))
      return { times in
        for _ in 0..<times { keep(issuer.issue(.start, to: .v4(0x0A00_0001))) }
      }
    },
    Case("WriteTokenIssuer: issue to a new address", units: 2.1, allocations: 7) {
      var issuer = WriteTokenIssuer(secret: Array(repeating: 7, count: 32), epoch: .seconds(300))
      var address: UInt32 = 0
      return { times in
        for _ in 0..<times {
          address &+= 1
          keep(issuer.issue(.start, to: .v4(address)))
        }
      }
    },
    Case("NodeID: SHA-1 of a key of 12 bytes", units: 0.21, allocations: 1) {
      let key = Record.sample().key
      return { times in
        for _ in 0..<times { keep(NodeID(sha1Of: key)) }
      }
    },
  ]
}

/// Newer and newer versions of a thousand records, in an order that has nothing to do with their IDs.
private struct Versions {
  let records = (0..<1000).map { Record.sample($0) }
  private var index = 0
  private var seq: Int64 = 1

  mutating func next() -> Record {
    seq += 1
    return step().with(seq: seq)
  }

  mutating func nextID() -> RecordID { step().id }

  private mutating func step() -> Record {
    index = index + 1 < records.count ? index + 1 : 0
    return records[index]
  }
}

/// A store in a directory that is gone afterwards.
private final class ScratchStore {
  let store: RecordStore
  private let directory: String
  private let done = DispatchSemaphore(value: 0)
  private var lastID: UInt64 = 0

  init() throws {
    // In memory: how long a disk takes to flush is no affair of this program, nor can it be told in
    // cycles of a processor.
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/dhtd-microbench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw NotAsExpected("no directory can be made in \(parent): \(String(cString: strerror(errno)))")
    }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    store = try RecordStore.open(directory: directory, maxBytes: 16 << 20, at: .start).store
    let done = done
    store.notify { done.signal() }
  }

  deinit {
    store.close()
    guard let stream = opendir(directory) else { return }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      unlink("\(directory)/\(name)")
    }
    closedir(stream)
    rmdir(directory)
  }

  /// Keeps so many new versions in one transaction, and waits until they are durable.
  func keep(_ versions: inout Versions, count: Int) throws {
    var changes: [(change: StoreChange, id: CommitID)] = []
    changes.reserveCapacity(count)
    for _ in 0..<count {
      lastID += 1
      changes.append((.keep(versions.next()), CommitID(rawValue: lastID)))
    }
    store.submit(changes)
    var results = 0
    while results < count {
      done.wait()
      for result in store.takeResults() {
        _ = try result.result.get()
        results += 1
      }
    }
  }
}
