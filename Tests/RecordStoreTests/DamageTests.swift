import CDirtyFlag
import Glibc
import Kademlia
import NodeTime
import SeededRandom
import Simulation
import TestSupport
import Testing

@testable import RecordStore

@Suite("A damaged store")
struct DamageTests {
  private static let recordCount = 600
  private static let pageSize = 4096

  /// A store with values of all sizes, tombstones and publications; and what it holds.
  private func makeStore(in directory: String) throws -> (records: [StoredRecord], published: [Record]) {
    try withOpenStore(in: directory) { store, _ in
      for round in 1...2 {
        _ = store.carryOut(
          (0..<Self.recordCount).map { number in
            number.isMultiple(of: 9) && round == 2
              ? .keep(.tombstone("\(number)", seq: 2))
              : .keep(
                .plain(
                  "\(number)", String(repeating: "\(number)", count: number.isMultiple(of: 50) ? 3000 : 60),
                  seq: Int64(round), expiry: now.seconds + Int64(number) - 20))
          })
        _ = store.carryOut((0..<60).map { .publish(.plain("\($0)", "published", seq: Int64(round))) })
      }
      return (store.walk(), store.storage.publications(from: .first, limit: .max))
    }
  }

  /// The records that have not expired.
  private func live(_ records: [StoredRecord]) -> [StoredRecord] {
    records.filter { $0.hidesUntil > now.seconds }
  }

  private func damagedFiles(in directory: String) -> [String] {
    names(in: directory).filter { $0.hasPrefix("records.damaged-") }.sorted()
  }

  @Test("with the dirty flag set, the store is searched without a loss")
  func marked() throws {
    try withTemporaryDirectory { directory in
      let (records, published) = try makeStore(in: directory)
      var flag = try readFile(directory + "/records.mark")
      flag[0] = UInt8(CDIRTYFLAG_SET)
      try writeFile(directory + "/records.mark", flag)
      let before = try readFile(directory + "/records.mdb")
      var steps: [SalvageProgress] = []
      let (store, salvage) = try RecordStore.open(directory: directory, maxBytes: 64 << 20, at: now) {
        steps.append($0)
      }
      #expect(steps.last?.bytesDone == before.count)
      let report = try #require(salvage)
      #expect(report.records == live(records).count)
      #expect(report.publications == published.count)
      #expect(report.damagedEntries == 0)
      #expect(report.damagedFile == directory + "/records.damaged-20270115T080000Z.mdb")
      #expect(try readFile(#require(report.damagedFile)) == before)
      #expect(store.records(from: .first, limit: .max) == live(records))
      #expect(store.publications(from: .first, limit: .max) == published)
      #expect(
        store.usage.valueBytes
          == live(records).filter(\.record.isValue).map(\.record.payloadSize).reduce(0, +))
      store.close()
      try withOpenStore(in: directory) { _, salvage in #expect(salvage == nil) }

      // The same second again: no file is written over.
      try writeFile(directory + "/records.mark", flag)
      try withOpenStore(in: directory) { _, salvage in
        #expect(salvage?.damagedFile == directory + "/records.damaged-20270115T080000Z-2.mdb")
      }
      #expect(damagedFiles(in: directory).count == 2)
      #expect(!names(in: directory).contains { $0.contains("salvage") })
    }
  }

  @Test("without the flag file the store opens, and a damaged one is still searched")
  func lostMark() throws {
    try withTemporaryDirectory { directory in
      let (records, _) = try makeStore(in: directory)
      unlink(directory + "/records.mark")
      try withOpenStore(in: directory) { _, salvage in #expect(salvage == nil) }
      unlink(directory + "/records.mark")
      var bytes = try readFile(directory + "/records.mdb")
      for index in 0..<2 * Self.pageSize { bytes[index] = 0 }
      try writeFile(directory + "/records.mdb", bytes)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage?.records == live(records).count)
        #expect(store.walk() == live(records))
      }
    }
  }

  @Test(
    "a truncated file keeps the remaining records",
    arguments: [
      0, 1, 15, 16, 100, 4095, 4096, 4097, 8191, 8192, 8193, 20_000, 65_536, 100_001,
    ])
  func truncated(_ length: Int) throws {
    try withTemporaryDirectory { directory in
      let (records, published) = try makeStore(in: directory)
      let path = directory + "/records.mdb"
      let bytes = try readFile(path)
      try #require(length < bytes.count)
      try writeFile(path, Array(bytes.prefix(length)))
      try withOpenStore(in: directory) { store, salvage in
        let report = try #require(salvage)
        #expect(report.records <= records.count)
        expectSubset(store, records, published)
        // And it works as any other.
        #expect(store.keep(.plain("new", "v", seq: 1)) == .success(1))
      }
      try withOpenStore(in: directory) { _, salvage in #expect(salvage == nil) }
    }
  }

  @Test("a file without its last page is searched, and the other records are kept")
  func lastPage() throws {
    try withTemporaryDirectory { directory in
      let (records, published) = try makeStore(in: directory)
      let path = directory + "/records.mdb"
      let bytes = try readFile(path)
      for missing in [1, Self.pageSize] {
        try writeFile(path, Array(bytes.dropLast(missing)))
        try withOpenStore(in: directory) { store, salvage in
          #expect(salvage?.reason == "its end is missing")
          expectSubset(store, records, published)
          #expect(store.walk().count > live(records).count - 60)
        }
      }
    }
  }

  /// Every record found was written, possibly in an older version.
  private func expectSubset(_ store: StoreUnderTest, _ records: [StoredRecord], _ published: [Record]) {
    let keys = Set(records.map(\.record.key))
    for stored in store.walk() {
      #expect(keys.contains(stored.record.key))
      #expect(stored.record.id.target == NodeID(sha1Of: stored.record.key))
      #expect(stored.record.version.seq <= 2)
    }
    let known = Set(published.map(\.key))
    for record in store.storage.publications(from: .first, limit: .max) {
      #expect(known.contains(record.key))
      #expect(record.value == Array("published".utf8))
    }
    #expect(store.storage.damagedRecords == 0)
  }

  @Test(
    "pages of noise anywhere cost what was on them and nothing else", arguments: 1...12 as ClosedRange<UInt64>
  )
  func noisePages(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    try withTemporaryDirectory { directory in
      let (records, published) = try makeStore(in: directory)
      let path = directory + "/records.mdb"
      var bytes = try readFile(path)
      for _ in 0..<5 {
        let page = Int.random(in: 0..<bytes.count / Self.pageSize, using: &random)
        for index in 0..<Self.pageSize {
          bytes[page * Self.pageSize + index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      // The damage is known: as after a fault.
      try writeFile(path, bytes)
      try setMark(in: directory)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage != nil)
        expectSubset(store, records, published)
        let found = Set(store.walk())
        for stored in live(records) where isUntouched(stored, .records, bytes, directory) {
          #expect(found.contains(stored))
        }
      }
    }
  }

  @Test(
    "flipped bits cost only the affected entries",
    arguments: 1...12 as ClosedRange<UInt64>)
  func flips(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    try withTemporaryDirectory { directory in
      let (records, published) = try makeStore(in: directory)
      let path = directory + "/records.mdb"
      var bytes = try readFile(path)
      for _ in 0..<200 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      }
      try writeFile(path, bytes)
      try setMark(in: directory)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage != nil)
        expectSubset(store, records, published)
        let found = Set(store.walk())
        for stored in live(records) where isUntouched(stored, .records, bytes, directory) {
          #expect(found.contains(stored))
        }
      }
    }
  }

  private func setMark(in directory: String) throws {
    var flag = try readFile(directory + "/records.mark")
    flag[0] = UInt8(CDIRTYFLAG_SET)
    try writeFile(directory + "/records.mark", flag)
  }

  /// Returns whether the bytes of an entry are somewhere in a file as they were written.
  private func isUntouched(
    _ stored: StoredRecord, _ table: EntryTable, _ bytes: [UInt8], _ directory: String
  ) -> Bool {
    guard let flag = try? DirtyFlag(path: directory + "/records.mark"), let salt = flag.salt else {
      return false
    }
    let entry = RecordCoding(salt: salt).encode(stored, in: table)
    return bytes.withUnsafeBytes { bytes in
      entry.withUnsafeBytes { entry in
        var position = 0
        while position + entry.count <= bytes.count {
          guard let base = bytes.baseAddress, let start = entry.baseAddress,
            let found = memchr(base + position, Int32(entry[0]), bytes.count - position)
          else { return false }
          let index = UnsafeRawPointer(found) - base
          if index + entry.count <= bytes.count, memcmp(found, start, entry.count) == 0 { return true }
          position = index + 1
        }
        return false
      }
    }
  }

  @Test("a file of noise, of zeros, or of another kind gives an empty store, and is kept", arguments: 0...3)
  func foreign(_ kind: Int) throws {
    var random = SplitMix64(seed: UInt64(kind))
    let bytes: [UInt8] =
      switch kind {
      case 0: (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) }
      case 1: [UInt8](repeating: 0, count: 100_000)
      case 2: Array("SQLite format 3\0".utf8) + [UInt8](repeating: 1, count: 5000)
      // Nothing but the beginnings of entries that claim to be long.
      default: (0..<20_000).flatMap { _ in Array("dhtR".utf8) + [1, 0, 0, 0, 0xFF, 0xFF, 0x07, 0] }
      }
    try withTemporaryDirectory { directory in
      try writeFile(directory + "/records.mdb", bytes)
      try withOpenStore(in: directory) { store, salvage in
        let report = try #require(salvage)
        #expect(report.records == 0)
        #expect(try readFile(#require(report.damagedFile)) == bytes)
        #expect(store.keep(.plain("a", "b", seq: 1)) == .success(1))
      }
    }
  }

  @Test("a sparse file of terabytes is searched quickly")
  func sparse() throws {
    try withTemporaryDirectory { directory in
      let (records, _) = try makeStore(in: directory)
      let path = directory + "/records.mdb"
      let descriptor = open(path, O_WRONLY)
      defer { close(descriptor) }
      let far: Int = 1 << 42
      try #require(pwrite(descriptor, [1, 2, 3], 3, far) == 3)
      try setMark(in: directory)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage != nil && salvage?.notSearched == nil)
        #expect(store.walk() == live(records))
      }
    }
  }

  @Test("a record whose value looks like entries is one record")
  func embedded() throws {
    try withTemporaryDirectory { directory in
      try withOpenStore(in: directory) { _, _ in }
      let salt = try #require(try DirtyFlag(path: directory + "/records.mark").salt)
      let forged = StoredRecord(.plain("forged", "x", seq: 9), hidesUntil: now.seconds + 9)
      let inner = RecordCoding(salt: salt).encode(forged, in: .publications)
      let outer = Record(
        plainKey: Array("outer".utf8), value: [0] + inner + inner,
        version: RecordVersion(seq: 1, expiry: now.seconds + 60))
      try withOpenStore(in: directory) { store, _ in store.keep(outer) }
      try setMark(in: directory)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage?.records == 1)
        #expect(salvage?.publications == 0)
        #expect(store.storage.stored(id("outer"))?.record == outer)
      }
      // Without the salt nobody can forge an entry, even if the outer entry is damaged.
      let guessed = RecordCoding(salt: salt &+ 1).encode(forged, in: .publications)
      try writeFile(directory + "/records.mdb", [1, 2, 3] + guessed + [4, 5, 6])
      try withOpenStore(in: directory) { _, salvage in #expect(salvage?.publications == 0) }
    }
  }

  @Test("a damaged entry counts as absent, can be replaced, and is removed at its expiry")
  func damagedEntries() throws {
    try withTemporaryDirectory { directory in
      _ = try withOpenStore(in: directory) { store, _ in
        store.carryOut(
          (0..<40).map { .keep(.plain("key \($0)", "value \($0).", seq: 5, expiry: now.seconds + 50)) })
      }
      let path = directory + "/records.mdb"
      var bytes = try readFile(path)
      // Each copy of three of them.
      for number in [3, 4, 5] {
        let value = Array("value \(number).".utf8)
        for index in 0..<bytes.count - value.count
        where bytes[index..<index + value.count].elementsEqual(value) {
          bytes[index] ^= 1
        }
      }
      try writeFile(path, bytes)
      try withOpenStore(in: directory) { store, salvage in
        #expect(salvage == nil)
        #expect(store.storage.stored(id("key 3")) == nil)
        #expect(store.storage.stored(id("key 3")) == nil)
        #expect(store.storage.damagedRecords == 1)
        #expect(store.walk().count == 37)
        #expect(store.keys().count == 37)
        #expect(store.storage.damagedRecords == 3)
        #expect(store.storage.usage.values == 40)
        // The store has an older version, which it cannot detect.
        #expect(store.keep(.plain("key 3", "new", seq: 1, expiry: now.seconds + 99)) == .success(1))
        #expect(store.keep(.tombstone("key 4", seq: 1, expiry: now.seconds + 99)) == .success(1))
        #expect(store.storage.usage.values == 39)
        #expect(store.storage.usage.tombstones == 1)
        #expect(store.walk().count == 39)
        let removed = store.carryOut(.removeExpired(at: WallTime(seconds: now.seconds + 60), limit: .max))
        #expect(removed == .success(38))
        #expect(store.storage.usage.values == 1)
        #expect(store.storage.usage.valueBytes == "key 3new".utf8.count)
        #expect(store.storage.usage.tombstones == 1)
        #expect(store.keys() == [Array("key 3".utf8)])
      }
      try withOpenStore(in: directory, at: WallTime(seconds: now.seconds + 60)) { store, salvage in
        #expect(salvage != nil)
        #expect(store.walk().count == 2)
      }
    }
  }

  @Test("a fault in the map sets the dirty flag, and the process still ends by the signal")
  func fault() async throws {
    let directory = try makeTemporaryDirectory()
    defer { removeDirectory(directory) }
    // The environment tells the process to end.
    setenv("RECORD_STORE_TEST_DIRECTORY", directory, 1)
    await #expect(processExitsWith: .signal(SIGBUS)) {
      // The backtracer of a test run would take the signal, and its time.
      signal(SIGBUS, SIG_DFL)
      guard let name = getenv("RECORD_STORE_TEST_DIRECTORY") else { exit(2) }
      let directory = String(cString: name)
      try withOpenStore(in: directory) { store, _ in
        store.keep(.plain("a", "b", seq: 1))
        truncate(directory + "/records.mdb", 8192)
        _ = store.storage.stored(id("a"))
      }
    }
    #expect(try readFile(directory + "/records.mark").first == UInt8(CDIRTYFLAG_SET))
    try withOpenStore(in: directory) { _, salvage in #expect(salvage != nil) }
  }
}
