import Glibc
import Kademlia
import NodeTime
import RecordStore
import SeededRandom
import Simulation
import TestSupport
import Testing

@Suite("A full store")
struct StoreLimitTests {
  private func value(_ size: Int, _ random: inout SplitMix64) -> String {
    String((0..<size).map { _ in Character(Unicode.Scalar(UInt8.random(in: 97...122, using: &random))) })
  }

  /// Keeps records until one is refused for the limit.
  private func fill(
    _ store: StoreUnderTest, round: Int, _ random: inout SplitMix64, maxSize: Int = 900
  ) -> [Record] {
    var kept: [Record] = []
    while true {
      let records = (0..<64).map { number in
        Record.plain(
          "\(round)/\(kept.count)/\(number)", value(Int.random(in: 0...maxSize, using: &random), &random),
          seq: 1, expiry: now.seconds + Int64(round))
      }
      let results = store.carryOut(records.map { .keep($0) })
      for (record, result) in zip(records, results) {
        switch result {
        case .success(let count):
          #expect(count == 1)
          kept.append(record)
        case .failure(let error): #expect(error == .full(limit: store.storage.maxBytes))
        }
      }
      if results.contains(where: { (try? $0.get()) == nil }) { return kept }
    }
  }

  @Test(
    "it refuses new records, still removes and replaces, and accepts new ones again",
    arguments: [
      1 << 20, 4 << 20, 20 << 20,
    ])
  func rounds(_ maxBytes: Int) throws {
    try withTemporaryDirectory { directory in
      var random = SplitMix64(seed: 7)
      var counts: [Int] = []
      try withOpenStore(in: directory, maxBytes: maxBytes) { store, _ in
        for round in 1...5 {
          let kept = fill(store, round: round, &random)
          counts.append(kept.count)
          #expect(store.storage.usage.values == kept.count)
          #expect(store.storage.usage.fullness > 0.9)
          #expect(store.storage.usage.fullness <= 1)
          // Changes that do not grow the store still work.
          let dead = kept.shuffled(using: &random).prefix(kept.count / 3)
          let results = store.carryOut(
            dead.map {
              .keep(
                Record(
                  plainKey: $0.key, value: [],
                  version: RecordVersion(seq: 2, expiry: $0.version.expiry, isTombstone: true)))
            })
          #expect(results.allSatisfy { $0 == .success(1) })
          for record in kept { #expect(store.storage.stored(record.id) != nil) }
          #expect(
            store.carryOut(
              .removeExpired(at: WallTime(seconds: now.seconds + Int64(round)), limit: .max))
              == .success(kept.count))
          #expect(store.storage.usage.records == 0)
        }
      }
      // As much fits the last time as the first.
      let first = try #require(counts.first)
      for count in counts { #expect(Double(count) > 0.8 * Double(first)) }
      var status = stat()
      #expect(stat(directory + "/records.mdb", &status) == 0)
      #expect(status.st_size <= maxBytes)
    }
  }

  @Test("a larger limit applies at once, and a smaller one drops nothing")
  func changing() throws {
    try withTemporaryDirectory { directory in
      var random = SplitMix64(seed: 8)
      let kept = try withOpenStore(in: directory, maxBytes: 4 << 20) { store, _ in
        var kept = fill(store, round: 1, &random)
        store.storage.maxBytes = 12 << 20
        let more = fill(store, round: 2, &random)
        #expect(more.count > kept.count)
        kept += more
        store.storage.maxBytes = 4 << 20
        #expect(store.keep(.plain("new", "v", seq: 1)) == .failure(.full(limit: 4 << 20)))
        return kept
      }
      try withOpenStore(in: directory, maxBytes: 1 << 20) { store, salvage in
        #expect(salvage == nil)
        #expect(store.walk(step: 1000).count == kept.count)
        #expect(store.storage.usage.fullness > 1)
        #expect(store.keep(.plain("new", "v", seq: 1)) == .failure(.full(limit: 1 << 20)))
        #expect(
          store.carryOut(.removeExpired(at: WallTime(seconds: now.seconds + 10), limit: .max))
            == .success(kept.count))
        #expect(store.keep(.plain("new", "v", seq: 1)) == .success(1))
      }
    }
  }

  @Test("values of many pages are stored and removed")
  func largeValues() throws {
    try withTemporaryDirectory { directory in
      var random = SplitMix64(seed: 9)
      try withOpenStore(in: directory, maxBytes: 16 << 20) { store, _ in
        for round in 1...4 {
          let kept = fill(store, round: round, &random, maxSize: 30_000)
          #expect(kept.count > 300)
          for record in kept { #expect(store.storage.stored(record.id)?.record == record) }
          _ = store.carryOut(.removeExpired(at: WallTime(seconds: now.seconds + Int64(round)), limit: .max))
        }
      }
    }
  }

  @Test("a record over the maximal size is refused, and affects no other")
  func tooLarge() throws {
    try withStore(.disk) { store in
      let large = Record(
        plainKey: [1], value: [UInt8](repeating: 0, count: 2 << 20),
        version: RecordVersion(seq: 1, expiry: now.seconds + 1))
      let results = store.carryOut([.keep(large), .keep(.plain("a", "b", seq: 1))])
      #expect(results[1] == .success(1))
      #expect((try? results[0].get()) == nil)
    }
  }
}
