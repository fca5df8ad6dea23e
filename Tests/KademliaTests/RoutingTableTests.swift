import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("The routing table")
struct RoutingTableTests {
  private let local = NodeID.zero
  private var parameters = Parameters()

  init() {
    // Buckets of one size, except where it is about those that are wider.
    parameters.wideBuckets = []
  }

  private func table() -> RoutingTable {
    RoutingTable(local: local, parameters: parameters, now: .start)
  }

  /// A table whose bucket 0 holds K contacts, heard one second after the other.
  private func fullTable() -> (table: RoutingTable, peers: [Peer]) {
    var table = table()
    let peers = (0..<8).map { Peer(id: .starting(0x80, UInt8($0)), endpoint: .host($0)) }
    for (second, peer) in peers.enumerated() {
      #expect(table.answered(.start + .seconds(second), peer, roundTrip: nil) == .added)
    }
    return (table, peers)
  }

  private let stranger = Peer(id: .starting(0xFF), endpoint: .host(99))

  /// A contact fails so often that it leaves; every query was sent after the last failure.
  private func fail(_ id: NodeID, in table: inout RoutingTable, after start: Instant) -> Contact? {
    var left: Contact?
    for attempt in 0..<3 {
      let sent = start + .seconds(10 * attempt)
      left = table.failed(sent + .seconds(5), id, sentAt: sent) ?? left
    }
    return left
  }

  @Test("a full bucket keeps its contacts, and names the stalest to be pinged")
  func fullBucket() {
    var (table, peers) = fullTable()
    #expect(
      table.answered(.start + .seconds(20), peers[0], roundTrip: nil) == .known)
    #expect(
      table.answered(.start + .seconds(21), stranger, roundTrip: nil) == .waiting(stalest: peers[1]))
    #expect(table.contacts(inBucket: 0).map(\.id) == peers.map(\.id))
    #expect(table.contact(stranger.id) == nil)
    #expect(table.count == 8)
  }

  @Test("the first buckets hold more than K, and an answer names K all the same")
  func wideBuckets() {
    var parameters = parameters
    parameters.wideBuckets = [20, 4]
    var table = RoutingTable(local: local, parameters: parameters, now: .start)
    for number in 0..<30 {
      for first in [UInt8(0x80), 0x40, 0x20] {
        let peer = Peer(id: .starting(first, UInt8(number)), endpoint: .host(Int(first) * 100 + number))
        _ = table.answered(.start, peer, roundTrip: nil)
      }
    }
    // A width under K is K.
    #expect((0..<4).map { table.contacts(inBucket: $0).count } == [20, 8, 8, 0])
    #expect(table.count == 36)
    let another = Peer(id: .starting(0x81), endpoint: .host(81))
    #expect(table.hasUse(for: another) == false, "eight wait in line already")
    let named = table.peers(
      closestTo: .starting(0x80), count: 8, for: .starting(0x80, 2), at: .elsewhere(1), in: .v4)
    #expect(named.map(\.id) == [0, 1, 3, 4, 5, 6, 7, 8].map { .starting(0x80, $0) })
  }

  @Test("a replacement takes the place of a contact that leaves, and not before")
  func replacement() {
    var (table, peers) = fullTable()
    _ = table.answered(.start + .seconds(20), stranger, roundTrip: nil)
    #expect(table.failed(.start + .seconds(35), peers[3].id, sentAt: .start + .seconds(30)) == nil)
    #expect(table.contact(stranger.id) == nil)
    #expect(fail(peers[3].id, in: &table, after: .start + .seconds(40))?.id == peers[3].id)
    #expect(table.contact(stranger.id)?.endpoint == stranger.endpoint)
    #expect(table.contact(peers[3].id) == nil)
    #expect(table.count == 8)
    #expect(table.replacements(inBucket: 0).isEmpty)
  }

  @Test("the freshest replacement comes first, and no more than K wait")
  func replacementCache() {
    var (table, peers) = fullTable()
    let waiting = (0..<20).map { Peer(id: .starting(0xC0, UInt8($0)), endpoint: .host(100 + $0)) }
    for peer in waiting { _ = table.answered(.start + .seconds(20), peer, roundTrip: nil) }
    #expect(table.replacements(inBucket: 0).map(\.id) == waiting.suffix(8).map(\.id))
    // One that is heard again is the freshest again, and is there once.
    _ = table.answered(.start + .seconds(21), waiting[15], roundTrip: nil)
    #expect(table.replacements(inBucket: 0).count == 8)
    _ = fail(peers[0].id, in: &table, after: .start + .seconds(40))
    #expect(table.contact(waiting[15].id) != nil)
  }

  @Test("a contact leaves after repeated failures in a row, not at the first")
  func repeatedFailures() {
    var (table, peers) = fullTable()
    let id = peers[0].id
    for round in 0..<5 {
      let start = Instant.start + .seconds(100 * round)
      #expect(table.failed(start + .seconds(5), id, sentAt: start) == nil)
      #expect(table.failed(start + .seconds(15), id, sentAt: start + .seconds(10)) == nil)
      #expect(table.contact(id)?.state == .questionable)
      // An answer in between makes it start from nothing.
      _ = table.answered(start + .seconds(20), peers[0], roundTrip: nil)
      #expect(table.contact(id)?.state == .good)
    }
    #expect(fail(id, in: &table, after: .start + .seconds(1000))?.id == id)
    #expect(table.count == 7)
  }

  @Test("the failures of one burst of queries count once")
  func burst() {
    var (table, peers) = fullTable()
    for query in 0..<50 {
      let sent = Instant.start + .milliseconds(10 * query)
      #expect(table.failed(sent + .seconds(5), peers[0].id, sentAt: sent) == nil)
    }
    #expect(table.contact(peers[0].id)?.failures == 1)
  }

  @Test("an ID that answers from elsewhere does not take over a good contact, only one that failed")
  func takeover() {
    var (table, peers) = fullTable()
    let claim = Peer(id: peers[0].id, endpoint: .host(66))
    #expect(table.answered(.start + .seconds(9), claim, roundTrip: nil) == .ignored)
    #expect(table.contact(claim.id)?.endpoint == peers[0].endpoint)
    #expect(table.contact(claim.id)?.lastAnswered == .start)
    _ = table.failed(.start + .seconds(15), claim.id, sentAt: .start + .seconds(10))
    #expect(table.answered(.start + .seconds(16), claim, roundTrip: nil) == .known)
    #expect(table.contact(claim.id)?.endpoint == claim.endpoint)
  }

  @Test("a contact has at most one address of each family")
  func families() throws {
    var table = table()
    let id = NodeID.starting(0x80)
    let v4 = Endpoint(.v4(1), port: 1)
    let v6 = Endpoint(.v6(1, 1), port: 1)
    _ = table.answered(.start, Peer(id: id, endpoint: v4), roundTrip: nil)
    #expect(table.answered(.start, Peer(id: id, endpoint: v6), roundTrip: nil) == .known)
    let contact = try #require(table.contact(id))
    #expect(table.count == 1)
    #expect(contact.peer(in: .v4)?.endpoint == v4)
    #expect(contact.peer(in: .v6)?.endpoint == v6)
    let another = Peer(id: id, endpoint: Endpoint(.v6(2, 2), port: 1))
    #expect(table.answered(.start, another, roundTrip: nil) == .ignored)
  }

  @Test("this node is no contact of its own")
  func itself() {
    var table = table()
    #expect(table.answered(.start, Peer(id: local, endpoint: .host(1)), roundTrip: nil) == .ignored)
    #expect(table.isEmpty)
    #expect(!table.hasUse(for: Peer(id: local, endpoint: .host(1))))
  }

  @Test("contacts in doubt are left out unless they are asked for")
  func markQuestionable() {
    var (table, peers) = fullTable()
    table.markQuestionable(peers[2].id)
    #expect(!table.closest(to: local, count: 20).contains { $0.id == peers[2].id })
    #expect(table.closest(to: local, count: 20) { _ in true }.count == 8)
    #expect(table.questionable.map(\.id) == [peers[2].id])
  }

  @Test("under 10,000 random contacts every bucket keeps its bounds and every answer is exact")
  func manyContacts() {
    var random = SplitMix64(seed: 5)
    var table = table()
    // Uniformly random IDs fill the first dozen buckets only; the others get theirs by distance.
    let peers = (0..<10_000).map { number in
      let id =
        number % 2 == 0
        ? NodeID(random: &random)
        : local.at(.random(inBucket: Int.random(in: 0..<160, using: &random), using: &random))
      return Peer(id: id, endpoint: .host(number))
    }
    for (number, peer) in peers.enumerated() {
      let now = Instant.start + .seconds(number)
      _ = table.answered(now, peer, roundTrip: .milliseconds(number % 100))
      if number % 3 == 0 { _ = table.failed(now, peers[number / 2].id, sentAt: now) }
      if number % 50 == 49, let victim = peers[0..<number].randomElement(using: &random) {
        _ = fail(victim.id, in: &table, after: now)
      }
    }
    var total = 0
    for bucket in 0..<160 {
      let contacts = table.contacts(inBucket: bucket)
      let waiting = table.replacements(inBucket: bucket)
      total += contacts.count
      #expect(contacts.count <= 8 && waiting.count <= 8)
      #expect(waiting.isEmpty || contacts.count == 8)
      #expect((contacts + waiting).allSatisfy { local.distance(to: $0.id).bucketIndex == bucket })
      #expect(Set((contacts + waiting).map(\.id)).count == contacts.count + waiting.count)
    }
    #expect(table.count == total)
    #expect(table.count == table.occupancy.reduce(0) { $0 + $1.nodes })
    #expect(table.deepest == table.occupancy.last?.index)
    let all = Array(table.contacts)
    #expect(table.stalest?.lastAnswered == all.map(\.lastAnswered).min())
    let targets =
      (0..<200).map { _ in NodeID(random: &random) }
      + (0..<160).map { local.at(.random(inBucket: $0, using: &random)) } + [local]
    for target in targets {
      for count in [1, 8, 40] {
        let good = all.filter { $0.state == .good }
        let nearest = good.sorted { target.distance(to: $0.id) < target.distance(to: $1.id) }
        #expect(table.closest(to: target, count: count).map(\.id) == nearest.prefix(count).map(\.id))
      }
    }
  }
}
