import Kademlia
import NodeTime
import RecordStore
import SeededRandom
import Simulation
import TestSupport
import Testing

@Suite("The laws of every store")
struct StoreLawTests {
  @Test("a newer record replaces an older one and never the reverse", arguments: Kind.allCases)
  func versions(_ kind: Kind) throws {
    try withStore(kind) { store in
      #expect(store.keep(.plain("k", "new", seq: 2)) == .success(1))
      #expect(store.keep(.plain("k", "old", seq: 1)) == .failure(.superseded(seq: 2)))
      #expect(store.keep(.plain("k", "new", seq: 2)) == .success(0))
      #expect(store.storage.stored(id("k"))?.record == .plain("k", "new", seq: 2))
      #expect(store.storage.stored(id("other")) == nil)
      #expect(store.storage.usage.values == 1)
      #expect(store.storage.usage.valueBytes == 4)
    }
  }

  @Test("the results of changes that were submitted together are returned in order", arguments: Kind.allCases)
  func order(_ kind: Kind) throws {
    try withStore(kind) { store in
      let results = store.carryOut([
        .keep(.plain("a", "1", seq: 1)), .keep(.plain("a", "3", seq: 3)), .keep(.plain("a", "2", seq: 2)),
        .keep(.tombstone("a", seq: 3)), .keep(.plain("a", "3", seq: 3)),
      ])
      #expect(
        results == [
          .success(1), .success(1), .failure(.superseded(seq: 3)), .success(1),
          .failure(.superseded(seq: 3)),
        ])
      #expect(store.storage.usage.values == 0)
      #expect(store.storage.usage.valueBytes == 0)
      #expect(store.storage.usage.tombstones == 1)
    }
  }

  @Test("a version that expires leaves a tombstone while it hides an older one", arguments: Kind.allCases)
  func hiding(_ kind: Kind) throws {
    try withStore(kind) { store in
      let old = Record.plain("a", "old", seq: 1, expiry: 500)
      store.keep(old)
      store.keep(.plain("a", "new", seq: 2, expiry: 100))
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 300), limit: 10)) == .success(1))
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 300), limit: 10)) == .success(0))
      #expect(store.keep(old) == .failure(.superseded(seq: 2)))
      #expect(store.storage.stored(id("a"))?.hidesUntil == 500)
      #expect(store.storage.stored(id("a"))?.record == .tombstone("a", seq: 2, expiry: 500))
      #expect(store.storage.usage.values == 0 && store.storage.usage.valueBytes == 0)
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 500), limit: 10)) == .success(1))
      #expect(store.storage.usage.records == 0)
    }
  }

  @Test("a prolonged record outlives the expiry it had first", arguments: Kind.allCases)
  func prolonged(_ kind: Kind) throws {
    try withStore(kind) { store in
      store.keep(.plain("a", "x", seq: 1, expiry: 100))
      #expect(store.keep(.plain("a", "x", seq: 1, expiry: 900)) == .success(1))
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 500), limit: 10)) == .success(0))
      #expect(store.storage.stored(id("a"))?.live(at: WallTime(seconds: 500)) != nil)
    }
  }

  @Test("the longest expired go first, and no more than the limit", arguments: Kind.allCases)
  func removalOrder(_ kind: Kind) throws {
    try withStore(kind) { store in
      var random = SplitMix64(seed: 1)
      let expiries = Array(1...50).shuffled(using: &random)
      _ = store.carryOut(expiries.map { .keep(.plain("\($0)", "v", seq: 1, expiry: Int64($0))) })
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 40), limit: 15)) == .success(15))
      #expect(store.walk().allSatisfy { $0.hidesUntil > 15 })
      #expect(store.carryOut(.removeExpired(at: WallTime(seconds: 40), limit: 100)) == .success(25))
      #expect(store.storage.usage.values == 10)
    }
  }

  @Test("more records can be removed at once than a transaction holds", arguments: Kind.allCases)
  func largeRemoval(_ kind: Kind) throws {
    try withStore(kind) { store in
      _ = store.carryOut((0..<3500).map { .keep(.plain("\($0)", "v", seq: 1, expiry: Int64($0))) })
      let results = store.carryOut([
        .keep(.plain("before", "v", seq: 1)), .removeExpired(at: WallTime(seconds: 3000), limit: .max),
        .keep(.plain("after", "v", seq: 1)),
      ])
      #expect(results == [.success(1), .success(3001), .success(1)])
      #expect(store.storage.usage.values == 501)
    }
  }

  @Test("publications are stored separately, and withdrawn by seq", arguments: Kind.allCases)
  func publications(_ kind: Kind) throws {
    try withStore(kind) { store in
      let first = Record.plain("a", "1", seq: 1)
      let second = Record.plain("a", "2", seq: 2, expiry: now.seconds + 10)
      #expect(store.carryOut(.publish(first)) == .success(1))
      #expect(store.carryOut(.publish(first)) == .success(0))
      #expect(store.carryOut(.publish(second)) == .success(1))
      #expect(store.carryOut(.publish(first)) == .failure(.superseded(seq: 2)))
      #expect(store.storage.publications(from: .first, limit: 10) == [second])
      #expect(store.storage.stored(id("a")) == nil)
      #expect(store.carryOut(.withdraw(id("a"), seq: 1)) == .success(0))
      #expect(store.storage.usage.publications == 1)
      #expect(store.carryOut(.withdraw(id("a"), seq: 2)) == .success(1))
      #expect(store.storage.usage.publications == 0)
      store.carryOut(.publish(second))
      #expect(
        store.carryOut(.removeExpired(at: WallTime(seconds: now.seconds + 10), limit: 10)) == .success(1))
      #expect(store.storage.publications(from: .first, limit: 10).isEmpty)
    }
  }

  @Test("pages of keys are sorted, without expired keys, each key once", arguments: Kind.allCases)
  func paging(_ kind: Kind) throws {
    try withStore(kind) { store in
      let names = (0..<57).map { Array("user:\($0)".utf8) }
      let odd: [[UInt8]] = [[], [0], [0, 0], [0, 1], [0, 0xFF], [0xFF], [0xFF, 0], Array("user".utf8)]
      let version = RecordVersion(seq: 1, expiry: now.seconds + 1)
      _ = store.carryOut(
        (names + odd).map { .keep(Record(plainKey: $0, value: [1], version: version)) } + [
          .keep(.plain("user:expired", "v", seq: 1, expiry: now.seconds)),
          .keep(.plain("user:deleted", "v", seq: 1)), .keep(.tombstone("user:deleted", seq: 2)),
        ])
      func sorted(_ keys: [[UInt8]]) -> [[UInt8]] { keys.sorted { $0.lexicographicallyPrecedes($1) } }
      #expect(store.keys(Array("user:".utf8)) == sorted(names))
      #expect(store.keys() == sorted(names + odd))
      #expect(store.keys([0]) == sorted(odd.filter { $0.first == 0 }))
      #expect(store.storage.page(prefix: [], after: nil, limit: 0, at: now).isEmpty)
      #expect(
        store.storage.page(prefix: [], after: PagePlace(key: [0xFF, 0xFF], id: .first), limit: 5, at: now)
          .isEmpty)
    }
  }

  @Test("keys with a common prefix longer than the index are all listed", arguments: Kind.allCases)
  func longKeys(_ kind: Kind) throws {
    try withStore(kind) { store in
      let version = RecordVersion(seq: 1, expiry: now.seconds + 1)
      var keys: Set<[UInt8]> = []
      for byte: UInt8 in [0, 7] {
        for length in 470...490 { keys.insert([UInt8](repeating: byte, count: length)) }
        for last in 0..<20 {
          keys.insert([UInt8](repeating: byte, count: 600) + [UInt8(last)])
        }
      }
      _ = store.carryOut(keys.map { .keep(Record(plainKey: $0, value: [1], version: version)) })
      #expect(store.keys().count == keys.count)
      #expect(Set(store.keys()) == keys)
      let prefix = [UInt8](repeating: 7, count: 600)
      #expect(Set(store.keys(prefix)) == keys.filter { $0.starts(with: prefix) })
    }
  }

  @Test("the progress of maintenance is stored", arguments: Kind.allCases)
  func progress(_ kind: Kind) throws {
    try withStore(kind) { store in
      #expect(store.storage.progress == UpkeepProgress())
      let progress = UpkeepProgress(replicate: id("a"), republish: id("b"))
      #expect(store.carryOut(.noteProgress(progress)) == .success(1))
      #expect(store.storage.progress == progress)
      #expect(store.storage.damagedRecords == 0)
    }
  }

  @Test("after thousands of random changes the store equals the model", arguments: [1, 2, 3] as [UInt64])
  func model(_ seed: UInt64) throws {
    try withTemporaryDirectory { directory in
      var random = SplitMix64(seed: seed)
      let model = StoreUnderTest(MemoryStore(maxBytes: .max / 2))
      var time: Int64 = 1000
      for _ in 0..<5 {
        // Opened again and again: what it holds outlives that.
        try withOpenStore(in: directory) { store, salvage in
          #expect(salvage == nil)
          for _ in 0..<60 {
            time += Int64.random(in: 0...3, using: &random)
            let changes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
              randomChange(at: time, &random)
            }
            #expect(store.carryOut(changes) == model.carryOut(changes))
          }
          try expectSame(store, model)
        }
      }
    }
  }

  private func randomChange(at time: Int64, _ random: inout SplitMix64) -> StoreChange {
    let number = Int.random(in: 0..<200, using: &random)
    let key = (number.isMultiple(of: 7) ? "\0\0" : "k") + "\(number)"
    let seq = Int64.random(in: 1...20, using: &random)
    let expiry = time + Int64.random(in: 0...50, using: &random)
    let size = number == 5 ? 5000 : Int.random(in: 0...60, using: &random)
    let value = String(repeating: "v\(seq % 3)", count: size)
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<10: return .keep(.plain(key, value, seq: seq, expiry: expiry))
    case 10..<13: return .keep(.tombstone(key, seq: seq, expiry: expiry))
    case 13..<16: return .publish(.plain(key, value, seq: seq, expiry: expiry))
    case 16: return .withdraw(id(key), seq: seq)
    case 17: return .noteProgress(UpkeepProgress(replicate: id(key), republish: id(value)))
    // All of them, because the order within one second is up to each store.
    default: return .removeExpired(at: WallTime(seconds: time), limit: .max)
    }
  }

  private func expectSame(_ store: StoreUnderTest, _ model: StoreUnderTest) throws {
    #expect(store.walk() == model.walk())
    #expect(
      store.storage.publications(from: .first, limit: .max)
        == model.storage.publications(from: .first, limit: .max))
    #expect(store.keys() == model.keys())
    #expect(store.keys(Array("k1".utf8)) == model.keys(Array("k1".utf8)))
    #expect(store.storage.progress == model.storage.progress)
    var usage = store.storage.usage
    #expect(usage.bytes > 0)
    usage.bytes = model.storage.usage.bytes
    usage.limit = model.storage.usage.limit
    #expect(usage == model.storage.usage)
    for number in 0..<200 {
      #expect(store.storage.stored(id("k\(number)")) == model.storage.stored(id("k\(number)")))
    }
    #expect(store.storage.damagedRecords == 0)
  }
}
