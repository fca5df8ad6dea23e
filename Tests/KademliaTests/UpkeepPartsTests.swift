import NodeTime
import SeededRandom
import Simulation
import Testing

@testable import Kademlia

@Suite("The parts of upkeep")
struct UpkeepPartsTests {
  private func id(_ number: UInt64) -> RecordID {
    RecordID(.plain, NodeID(high: number, middle: SplitMix64.mix(number), low: 7))
  }

  @Test("a round visits each entry once an interval, however many there are", arguments: [0, 1, 7, 5000])
  func round(_ entries: Int) {
    let interval: Duration = .seconds(3600)
    var round = UpkeepRound(.start, from: .first, interval: interval)
    var now = Instant.start
    var visits = 0
    while now < .start + interval * 3 {
      now = round.nextStep
      let due = round.step(now, entries: entries, interval: interval, most: 1024)
      for number in 0..<due { round.visited(id(UInt64(number))) }
      visits += due
    }
    #expect((entries * 29 / 10...entries * 31 / 10 + 1).contains(visits))
  }

  @Test("after a long sleep no entry is due twice, and one step is bounded")
  func afterSuspension() {
    var round = UpkeepRound(.start, from: .first, interval: .seconds(60))
    let due = round.step(.start + .seconds(86_400), entries: 5000, interval: .seconds(60), most: 1024)
    #expect(due == 1024)
    for number in 0..<due { round.visited(id(UInt64(number))) }
    var left = 0
    for second in 1...5 {
      let due = round.step(
        .start + .seconds(86_400 + second), entries: 5000, interval: .seconds(60), most: 10_000)
      for number in 0..<due { round.visited(id(UInt64(number))) }
      left += due
    }
    #expect((5000 - 1024...5000 - 1024 + 500).contains(left))
  }

  @Test("the log knows what was done lately, forgets the rest, and takes one record for no other")
  func log() {
    var log = ReplicationLog(.start, salt: 5)
    log.reserve(20_000)
    for number in 0..<10_000 { log.note(.start + .seconds(Int64(number / 10)), id(UInt64(number))) }
    let now = Instant.start + .seconds(1000)
    let known = (0..<10_000).count { log.isRecent(now, id(UInt64($0)), within: .seconds(3600)) }
    #expect(known > 7000)
    let recent = (0..<10_000).filter { log.isRecent(now, id(UInt64($0)), within: .seconds(100)) }
    #expect(recent.allSatisfy { $0 >= 9000 })
    let others = (10_000..<20_000).count { log.isRecent(now, id(UInt64($0)), within: .seconds(3600)) }
    #expect(others <= 1)
    #expect(!log.isRecent(.start + .seconds(86_400 * 300), id(9999), within: .seconds(3600)))
  }

  @Test("a log that grows keeps what it knew")
  func growth() {
    var log = ReplicationLog(.start, salt: 6)
    log.note(.start, id(1))
    log.reserve(100_000)
    #expect(log.isRecent(.start + .seconds(5), id(1), within: .seconds(10)))
  }

  @Test("sorted IDs are what a sorted array would be, through many insertions and removals")
  func sorted() {
    var random = SplitMix64(seed: 9)
    var ids = SortedIDs()
    var model: Set<RecordID> = []
    for step in 0..<20_000 {
      let id = id(UInt64.random(in: 0..<4000, using: &random))
      if Bool.random(using: &random) || step < 6000 {
        ids.insert(id)
        model.insert(id)
      } else {
        ids.remove(id)
        model.remove(id)
      }
    }
    let expected = model.sorted()
    #expect(ids.from(.first, limit: .max) == expected)
    for _ in 0..<200 {
      let first = id(UInt64.random(in: 0..<4100, using: &random))
      #expect(ids.from(first, limit: 10) == Array(expected.filter { $0 >= first }.prefix(10)))
    }
    for id in expected { ids.remove(id) }
    #expect(ids.from(.first, limit: 1).isEmpty)
  }

  @Test("a source may bring so many new keys within an hour to a store that is nearly full, and any before")
  func quota() {
    var quota = SourceQuota(.start, limit: 10, salt: 7)
    let source = IPAddress.v4(0x0A00_0001)
    func permitted(_ count: Int, _ time: Instant, _ source: IPAddress, _ fullness: Double) -> Int {
      (0..<count).count { _ in quota.tryAddKey(time, from: source, fullness: fullness) }
    }
    #expect(permitted(5, .start, source, 0.5) == 5)
    #expect(permitted(20, .start, source, 0.81) == 5)
    #expect(permitted(20, .start, .v4(0x0A00_0002), 0.81) == 10)
    #expect(permitted(20, .start, source, 0.79) == 20)
    // A network of IPv6 is one source.
    #expect(permitted(6, .start, .v6(0x2001_0DB8_0000_0001, 1), 0.9) == 6)
    #expect(permitted(6, .start, .v6(0x2001_0DB8_0000_0001, 2), 0.9) == 4)
    #expect(permitted(20, .start + .seconds(3601), source, 0.9) == 0)
    #expect(permitted(20, .start + .seconds(2 * 3601), source, 0.9) == 10)
  }

  @Test("a crowd of sources that bring a key each leaves the quota of another nearly as it was")
  func quotaInACrowd() {
    var quota = SourceQuota(.start, limit: 100, salt: 7)
    for number in 0..<20_000 {
      #expect(quota.tryAddKey(.start, from: .v4(0x0B00_0000 + UInt32(number)), fullness: 0.9) == true)
    }
    let permitted = (0..<200).count { _ in quota.tryAddKey(.start, from: .v4(0x0A00_0001), fullness: 0.9) }
    #expect((85...100).contains(permitted))
  }

  @Test("the successor of an ID is the next number, and the last has none")
  func successor() {
    #expect(NodeID(high: 1, middle: .max, low: .max).next == NodeID(high: 2, middle: 0, low: 0))
    #expect(NodeID(high: 1, middle: 2, low: 3).next == NodeID(high: 1, middle: 2, low: 4))
    #expect(NodeID(high: .max, middle: .max, low: .max).next == nil)
  }

  @Test("a distance doubles, and none is greater than the greatest")
  func doubling() {
    let distance = Distance(high: 1, middle: 1 << 63, low: 1 << 31)
    #expect(distance.doubled == Distance(high: 3, middle: 1, low: 0))
    #expect(Distance(high: 1 << 63, middle: 0, low: 0).doubled == .greatest)
  }
}
