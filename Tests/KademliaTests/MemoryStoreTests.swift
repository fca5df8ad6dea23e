import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("The store in memory")
struct MemoryStoreTests {
  private func id(_ key: String) -> RecordID { RecordID(.plain, NodeID(sha1Of: Array(key.utf8))) }

  @Test("what was written is read, newer over older and never the reverse")
  func versions() throws {
    let store = MemoryStore(maxBytes: 10_000)
    try store.write(.plain("k", "new", seq: 2))
    #expect(throws: StoreError.superseded(seq: 2)) { try store.write(.plain("k", "old", seq: 1)) }
    #expect(store.stored(id("k"))?.record.value == Array("new".utf8))
    #expect(store.count == 1)
    #expect(store.stored(id("other")) == nil)
  }

  @Test("a full store refuses what would make it larger and takes what does not")
  func limit() throws {
    let store = MemoryStore(maxBytes: 2 * (MemoryStore.overhead + 10))
    try store.write(.plain("a", "123456789", seq: 1))
    try store.write(.plain("b", "123456789", seq: 1))
    #expect(throws: StoreError.full(limit: store.maxBytes)) { try store.write(.plain("c", "", seq: 1)) }
    #expect(throws: StoreError.full(limit: store.maxBytes)) {
      try store.write(.plain("a", "1234567890", seq: 2))
    }
    try store.write(.plain("a", "987654321", seq: 3))
    try store.write(.tombstone("b", seq: 3))
    #expect(store.payloadBytes == 10 + 1)
    // What the tombstone freed can be used again.
    try store.write(.plain("a", "123456789012345678", seq: 4))
  }

  @Test("many tiny records count for what they cost")
  func overhead() {
    let store = MemoryStore(maxBytes: 100 * MemoryStore.overhead)
    var written = 0
    for number in 0..<200 where (try? store.write(.plain("\(number)", "", seq: 1))) != nil {
      written += 1
    }
    #expect(written < 100)
    #expect(written > 90)
  }

  @Test("what has expired goes, and its bytes with it")
  func expiry() throws {
    let store = MemoryStore(maxBytes: 10_000)
    try store.write(.plain("a", "x", seq: 1, expiry: 100))
    try store.write(.plain("b", "y", seq: 1, expiry: 200))
    store.removeExpired(at: WallTime(seconds: 99))
    #expect(store.count == 2)
    store.removeExpired(at: WallTime(seconds: 100))
    #expect(store.count == 1)
    #expect(store.stored(id("a")) == nil)
    store.removeExpired(at: WallTime(seconds: 1000))
    #expect(store.count == 0)
    #expect(store.payloadBytes == 0)
  }

  @Test("a version that expires leaves a tombstone while it hides an older one")
  func hiding() throws {
    let store = MemoryStore(maxBytes: 10_000)
    let old = Record.plain("a", "old", seq: 1, expiry: 500)
    try store.write(old)
    try store.write(.plain("a", "new", seq: 2, expiry: 100))
    store.removeExpired(at: WallTime(seconds: 300))
    #expect(throws: StoreError.superseded(seq: 2)) { try store.write(old) }
    #expect(store.stored(id("a"))?.record == .tombstone("a", seq: 2, expiry: 500))
    #expect(store.usage.values == 0 && store.usage.valueBytes == 0 && store.usage.tombstones == 1)
    store.removeExpired(at: WallTime(seconds: 500))
    #expect(store.count == 0)
    #expect(store.payloadBytes == 0)
  }

  @Test("a prolonged record outlives the expiry it had first")
  func prolonged() throws {
    let store = MemoryStore(maxBytes: 10_000)
    try store.write(.plain("a", "x", seq: 1, expiry: 100))
    try store.write(.plain("a", "x", seq: 1, expiry: 900))
    store.removeExpired(at: WallTime(seconds: 500))
    #expect(store.stored(id("a"))?.live(at: WallTime(seconds: 500)) != nil)
  }

  @Test("overwriting one key many times keeps the notes of expiries few")
  func bounded() throws {
    let store = MemoryStore(maxBytes: 10_000)
    for number in 1...10_000 {
      try store.write(.plain("a", "x", seq: Int64(number), expiry: Int64(number)))
      #expect(store.notedExpiries <= 68)
    }
    store.removeExpired(at: WallTime(seconds: 9999))
    #expect(store.count == 1)
    store.removeExpired(at: WallTime(seconds: 10_000))
    #expect(store.count == 0)
  }

  @Test("pages of keys come in order, without the dead, each key once")
  func paging() throws {
    let store = MemoryStore(maxBytes: 1 << 20)
    for number in 0..<57 { try store.write(.plain("user:\(number)", "v", seq: 1)) }
    try store.write(.plain("other", "v", seq: 1))
    try store.write(.plain("user:expired", "v", seq: 1, expiry: 1))
    let prefix = Array("user:".utf8)
    var keys: [[UInt8]] = []
    var last: PagePlace?
    while true {
      let page = store.page(prefix: prefix, after: last, limit: 10, at: .epoch)
      last = page.last.map { PagePlace(of: $0) }
      guard !page.isEmpty else { break }
      #expect(page.count <= 10)
      keys += page.map(\.key)
      try #require(keys.count < 1000)
    }
    let expected = (0..<57).map { Array("user:\($0)".utf8) }
    #expect(keys == expected.sorted { $0.lexicographicallyPrecedes($1) })
    #expect(store.page(prefix: [], after: nil, limit: 0, at: .epoch).isEmpty)
  }

  @Test("a deleted key is not among the keys")
  func pagingTombstones() throws {
    let store = MemoryStore(maxBytes: 1 << 20)
    try store.write(.plain("a", "v", seq: 1))
    try store.write(.tombstone("b", seq: 1))
    #expect(store.page(prefix: [], after: nil, limit: 10, at: .epoch).map(\.key) == [Array("a".utf8)])
  }
}

@Suite("Write tokens")
struct WriteTokenTests {
  private let made = WriteTokenIssuer(secret: Array(0..<16), epoch: .seconds(300))
  private let asker = IPAddress.v4(0x0A00_0001)

  private func accepts(
    _ issuer: inout WriteTokenIssuer, _ token: WriteToken, _ now: Instant, from address: IPAddress
  ) -> Bool {
    issuer.accepts(token, now, from: address)
  }

  @Test("a token is good for at least 5 minutes and at most 10, whenever it was issued")
  func validity() {
    var issuer = made
    for second in stride(from: 0, to: 600, by: 7) {
      let issued = Instant.start + .seconds(second)
      let token = issuer.issue(issued, to: asker)
      #expect(accepts(&issuer, token, issued, from: asker))
      #expect(accepts(&issuer, token, issued + .seconds(300), from: asker))
      #expect(!accepts(&issuer, token, issued + .seconds(600), from: asker))
    }
  }

  @Test("another IP address is refused; the port is not asked for")
  func address() {
    var issuer = made
    let token = issuer.issue(.start, to: asker)
    #expect(!accepts(&issuer, token, .start, from: .v4(0x0A00_0002)))
    #expect(!accepts(&issuer, token, .start, from: .v6(0, 0x0A00_0001)))
    let other = issuer.issue(.start, to: .v6(1, 2))
    #expect(accepts(&issuer, other, .start, from: .v6(1, 2)))
    #expect(!accepts(&issuer, other, .start, from: .v6(2, 1)))
  }

  @Test("more addresses than are remembered each get the token that is theirs")
  func manyAddresses() {
    var issuer = made
    var fresh = made
    for number in 0..<UInt32(3 * WriteTokenIssuer.remembered) {
      let address = IPAddress.v4(number)
      let token = issuer.issue(.start, to: address)
      #expect(accepts(&issuer, token, .start, from: address))
    }
    #expect(issuer.issue(.start, to: asker) == fresh.issue(.start, to: asker))
  }

  @Test("another secret, an empty token and a shortened one are refused")
  func forgery() throws {
    var issuer = made
    let token = issuer.issue(.start, to: asker)
    var other = WriteTokenIssuer(secret: Array(1..<17), epoch: .seconds(300))
    #expect(!accepts(&other, token, .start, from: asker))
    #expect(!accepts(&issuer, WriteToken(), .start, from: asker))
    let short = try #require(WriteToken((0..<7).map { token[$0] }))
    #expect(!accepts(&issuer, short, .start, from: asker))
  }
}

@Suite("The log of repairs")
struct ReadRepairsTests {
  private let target = RecordID(.plain, .starting(1))

  private func tryRepair(
    _ log: inout ReadRepairs, _ now: Instant, _ holder: NodeID, _ target: RecordID
  ) -> Bool {
    log.tryRepair(now, holder: holder, target: target)
  }

  @Test("a holder gets one repair of a target within the interval")
  func interval() {
    var log = ReadRepairs(interval: .seconds(600), capacity: 10)
    #expect(tryRepair(&log, .start, .starting(1), target))
    #expect(!tryRepair(&log, .start + .seconds(599), .starting(1), target))
    #expect(tryRepair(&log, .start + .seconds(599), .starting(2), target))
    #expect(tryRepair(&log, .start, .starting(1), RecordID(.plain, .starting(2))))
    #expect(tryRepair(&log, .start + .seconds(600), .starting(1), target))
    #expect(!tryRepair(&log, .start + .seconds(700), .starting(1), target))
  }

  @Test("it remembers no more than its capacity, the latest")
  func bound() {
    var log = ReadRepairs(interval: .seconds(600), capacity: 10)
    var random = SplitMix64(seed: 1)
    var last = NodeID.zero
    for _ in 0..<1000 {
      last = NodeID(random: &random)
      _ = log.tryRepair(.start, holder: last, target: target)
      #expect(log.count <= 10)
    }
    #expect(!tryRepair(&log, .start, last, target))
  }
}
