import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Caps on blocks of addresses") struct SubnetLimitsTests {
  private let local = NodeID.zero

  private func table(_ change: (inout SubnetLimits) -> Void = { _ in }) -> RoutingTable {
    var parameters = Parameters()
    change(&parameters.subnetLimits)
    return RoutingTable(local: local, parameters: parameters, now: .start)
  }

  /// A node in a bucket, at 198.51.`block`.`host`.
  private func peer(
    _ number: UInt8, bucket: Int = 0, block: UInt32 = 100, host: UInt32? = nil, port: UInt16 = 8001
  ) -> Peer {
    let id = NodeID(high: 1 << UInt64(63 - bucket) | UInt64(number), middle: 0, low: 0)
    return Peer(id: id, endpoint: .public(block, host ?? UInt32(number), port: port))
  }

  private func enter(_ peer: Peer, _ table: inout RoutingTable, second: Int = 0) -> RoutingTable.Admission {
    table.answered(.start + .seconds(second), peer, roundTrip: nil)
  }

  private func remove(_ id: NodeID, from table: inout RoutingTable) {
    for attempt in 0..<3 {
      let sent = Instant.start + .seconds(1000 + 10 * attempt)
      _ = table.failed(sent + .seconds(5), id, sentAt: sent)
    }
  }

  @Test(
    "loopback, private, shared and link-local addresses are not public, and their neighbours are",
    arguments: [
      (0x7F00_0001, false), (0x0A00_0001, false), (0x0AFF_FFFF, false), (0x0B00_0000, true),
      (0xAC10_0000, false), (0xAC1F_FFFF, false), (0xAC20_0000, true), (0xAC0F_FFFF, true),
      (0xC0A8_0101, false), (0xC0A7_FFFF, true), (0xC0A9_0000, true), (0xA9FE_0001, false),
      (0xA9FD_FFFF, true), (0x6440_0000, false), (0x647F_FFFF, false), (0x643F_FFFF, true),
      (0x6480_0000, true), (0, false), (0x0808_0808, true),
    ] as [(UInt32, Bool)])
  func publicV4(bits: UInt32, isPublic: Bool) {
    #expect(IPAddress.v4(bits).isPublic == isPublic, "\(IPAddress.v4(bits))")
  }

  @Test(
    "so of IPv6",
    arguments: [
      (0, 0, false), (0, 1, false), (0xFE80 << 48, 1, false), (0xFEBF << 48, 1, false),
      (0xFC00 << 48, 1, false), (0xFDFF << 48, 1, false), (0x2001_0DB8 << 32, 7, true),
      (0xFEC0 << 48, 1, true), (0xFB00 << 48, 1, true),
    ] as [(UInt64, UInt64, Bool)])
  func publicV6(high: UInt64, low: UInt64, isPublic: Bool) {
    #expect(IPAddress.v6(high, low).isPublic == isPublic, "\(IPAddress.v6(high, low))")
  }

  @Test("two nodes of a block get into a bucket, and those of other blocks beside them")
  func bucket() {
    var table = table()
    #expect(enter(peer(1), &table) == .added)
    #expect(enter(peer(2), &table) == .added)
    #expect(enter(peer(3), &table) == .crowded)
    #expect(!table.hasUse(for: peer(3)))
    #expect(enter(peer(4, block: 101), &table) == .added)
    #expect(enter(peer(5, bucket: 1), &table) == .added)
    #expect(enter(peer(1), &table, second: 1) == .known)
    #expect(table.count == 4)
  }

  @Test("ten of a block get into the table, and another when one has left")
  func wholeTable() {
    var table = table()
    for number in 0..<12 {
      let admission = enter(peer(UInt8(number), bucket: number), &table)
      #expect(admission == (number < 10 ? .added : .crowded))
    }
    #expect(!table.hasUse(for: peer(20, bucket: 20)))
    remove(peer(3, bucket: 3).id, from: &table)
    #expect(table.hasUse(for: peer(20, bucket: 20)))
    #expect(enter(peer(20, bucket: 20), &table) == .added)
    #expect(enter(peer(21, bucket: 21), &table) == .crowded)
  }

  @Test("on loopback and in private networks there is no cap, unless it is asked for; nor with none")
  func scope() {
    for network: UInt32 in [0x7F00_0000, 0x0A01_0200] {
      var table = table()
      for number in 0..<20 {
        let id = NodeID(high: 1 << 63 | UInt64(number), middle: 0, low: 0)
        let here = Peer(id: id, endpoint: Endpoint(.v4(network + UInt32(number)), port: 8001))
        #expect(enter(here, &table) == .added)
      }
    }
    var none = table { $0.scope = .none }
    for number in 0..<20 { #expect(enter(peer(UInt8(number)), &none) == .added) }
    var all = table { $0.scope = .all }
    for number in 0..<3 {
      let id = NodeID(high: 1 << 63 | UInt64(number), middle: 0, low: 0)
      let admission = enter(Peer(id: id, endpoint: .host(number)), &all)
      #expect(admission == (number < 2 ? .added : .crowded))
    }
  }

  @Test("those that wait for a place count, and one of them moves up without being counted again")
  func replacements() {
    var parameters = Parameters()
    parameters.wideBuckets = []
    var table = RoutingTable(local: local, parameters: parameters, now: .start)
    for number in 0..<8 { _ = enter(peer(UInt8(number), block: UInt32(number)), &table) }
    for number in 100..<104 as Range<UInt8> { _ = enter(peer(number, block: 200), &table) }
    #expect(table.replacements(inBucket: 0).map(\.id) == [peer(100).id, peer(101).id])
    remove(peer(0, block: 0).id, from: &table)
    #expect(table.contact(peer(101).id) != nil)
    #expect(enter(peer(104, block: 200), &table) == .crowded)
    // One that is heard again waits on.
    guard case .waiting = enter(peer(100, block: 200), &table, second: 9) else {
      Issue.record("it does not wait")
      return
    }
    remove(peer(100).id, from: &table)
    remove(peer(101).id, from: &table)
    #expect(table.contact(peer(100).id) != nil)
    #expect(table.replacements(inBucket: 0).isEmpty)
    guard case .waiting = enter(peer(104, block: 200), &table) else {
      Issue.record("the place of the one that left is not free")
      return
    }
    #expect(enter(peer(105, block: 200), &table) == .crowded)
  }

  @Test("one node has an address and port; another ID that answers there has the first one leave")
  func eviction() {
    var table = table()
    let old = peer(1, host: 9)
    let new = peer(2, bucket: 3, host: 9)
    _ = enter(old, &table)
    #expect(enter(new, &table) == .crowded, "only whoever leaves makes room")
    #expect(table.vacate(old.endpoint, for: old.id) == nil)
    #expect(table.vacate(new.endpoint, for: new.id)?.id == old.id)
    #expect(table.contact(old.id) == nil)
    #expect(enter(new, &table) == .added)
    #expect(enter(peer(3, host: 9, port: 8002), &table) == .added, "another port is another node")
    // So it is on loopback and in private networks, where subnets are not limited.
    for endpoint in [Endpoint.host(1), Endpoint(.v4(0x7F00_0001), port: 8001)] {
      let here = Peer(id: .starting(0x80), endpoint: endpoint)
      #expect(enter(here, &table) == .added)
      #expect(enter(Peer(id: .starting(0x81), endpoint: endpoint), &table) == .crowded)
      #expect(table.hasUse(for: Peer(id: .starting(0x81), endpoint: endpoint)))
      #expect(table.vacate(endpoint, for: .starting(0x81))?.id == here.id)
    }
  }

  @Test("a contact that has an address of each family loses that at which another answers, and stays")
  func evictionOfOneFamily() throws {
    var table = table()
    let id = NodeID.starting(0x80)
    let (v4, v6) = (Endpoint.public(1, 1), Endpoint(.v6(0x2001_0DB8 << 32, 1), port: 8001))
    for endpoint in [v4, v6] { _ = enter(Peer(id: id, endpoint: endpoint), &table) }
    #expect(table.vacate(v6, for: .starting(0x90)) == nil)
    let contact = try #require(table.contact(id))
    #expect(contact.endpoint == v4 && contact.alternate == nil)
    #expect(enter(Peer(id: .starting(0x90), endpoint: v6), &table) == .added)
    #expect(table.vacate(v4, for: .starting(0x91))?.id == id)
  }

  @Test("a contact that moves counts where it is, and cannot move where there are enough")
  func moves() {
    var table = table()
    let mover = peer(9, block: 50)
    for other in [peer(1), peer(2), mover] { _ = enter(other, &table) }
    _ = table.failed(.start + .seconds(15), mover.id, sentAt: .start + .seconds(10))
    let crowded = Peer(id: mover.id, endpoint: .public(100, 77))
    #expect(enter(crowded, &table, second: 16) == .crowded)
    #expect(table.contact(mover.id)?.endpoint == mover.endpoint)
    let free = Peer(id: mover.id, endpoint: .public(60, 1))
    #expect(enter(free, &table, second: 17) == .known)
    // What it left has room for two again, and where it is for one.
    #expect(enter(peer(20, block: 50), &table) == .added)
    #expect(enter(peer(21, block: 50), &table) == .added)
    #expect(enter(peer(22, block: 60, host: 5), &table) == .added)
    #expect(enter(peer(23, block: 60, host: 6), &table) == .crowded)
  }

  @Test("a /64 is a block of IPv6, and the address of each family counts")
  func families() {
    var table = table()
    func dual(_ number: UInt8, _ block: UInt64) -> Peer {
      let id = NodeID.starting(0x80, number)
      return Peer(id: id, endpoint: Endpoint(.v6(0x2001_0DB8 << 32 | block, UInt64(number)), port: 1))
    }
    #expect(enter(dual(1, 1), &table) == .added)
    #expect(enter(dual(2, 1), &table) == .added)
    #expect(enter(dual(3, 1), &table) == .crowded)
    #expect(enter(dual(3, 2), &table) == .added)
    // It is known by its other address, and no more than two are in the block of that.
    for number in 1...3 as ClosedRange<UInt8> {
      let v4 = Peer(id: .starting(0x80, number), endpoint: .public(1, UInt32(number)))
      #expect(enter(v4, &table) == (number < 3 ? .known : .crowded))
    }
  }

  @Test("whatever comes, moves and leaves, no cap is passed and no place is lost", arguments: 0..<8)
  func law(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var parameters = Parameters()
    parameters.wideBuckets = [12]
    var table = RoutingTable(local: local, parameters: parameters, now: .start)
    let ids = (0..<60).map { _ in
      local.at(.random(inBucket: Int.random(in: 0..<4, using: &random), using: &random))
    }
    func endpoint() -> Endpoint {
      let (block, host) = (UInt32.random(in: 0..<6, using: &random), UInt32.random(in: 0..<8, using: &random))
      return Bool.random(using: &random)
        ? .public(block, host) : Endpoint(.v6(0x2001 << 48 | UInt64(block), UInt64(host)), port: 1)
    }
    for step in 0..<3000 {
      let now = Instant.start + .seconds(10 * step)
      let id = ids[Int.random(in: 0..<ids.count, using: &random)]
      switch Int.random(in: 0..<4, using: &random) {
      case 0: _ = table.failed(now, id, sentAt: now)
      default:
        let peer = Peer(id: id, endpoint: endpoint())
        _ = table.vacate(peer.endpoint, for: id)
        _ = table.answered(now, peer, roundTrip: nil)
      }
    }
    var inTable: [String: Int] = [:]
    var places: Set<Endpoint> = []
    for bucket in 0..<4 {
      var inBucket: [String: Int] = [:]
      for contact in table.contacts(inBucket: bucket) + table.replacements(inBucket: bucket) {
        for endpoint in [contact.endpoint, contact.alternate].compactMap({ $0 }) {
          #expect(places.insert(endpoint).inserted, "two nodes at \(endpoint)")
          #expect(table.occupant(of: endpoint) == contact.id)
          inTable[endpoint.block, default: 0] += 1
          inBucket[endpoint.block, default: 0] += 1
        }
      }
      #expect(inBucket.values.allSatisfy { $0 <= 2 }, "\(inBucket)")
    }
    #expect(inTable.values.allSatisfy { $0 <= 10 }, "\(inTable)")
    // Everybody leaves: there is room for as many as at the beginning.
    for bucket in 0..<4 {
      while let contact = table.contacts(inBucket: bucket).first {
        for attempt in 0..<3 {
          let sent = Instant.start + .seconds(100_000 + 10 * attempt)
          _ = table.failed(sent + .seconds(5), contact.id, sentAt: sent)
        }
      }
    }
    #expect(table.isEmpty)
    for block in 0..<6 as Range<UInt32> {
      for number in 0..<10 {
        let id = local.at(.random(inBucket: 10 + number, using: &random))
        #expect(enter(Peer(id: id, endpoint: .public(block, UInt32(number))), &table) == .added)
      }
    }
  }

  // MARK: - Whole nodes

  /// Ten nodes at public addresses, a block each.
  private func network(_ seed: UInt64) -> SimulatedNetwork {
    .joined(seed: seed, nodes: 10) { $0.addresses = .publicBlocks }
  }

  @Test("a node that comes back under another ID takes the place of the old one at once")
  func newIdentity() {
    var network = network(801)
    let old = network[4].id
    let endpoint = network[4].endpoint
    network.kill(4)
    let new = network.addHost(at: endpoint, bootstrap: [network[1].endpoint])
    network.run(for: .seconds(8))
    let table = network[0].node.table
    #expect(table.contact(old) == nil)
    #expect(table.contact(network[new].id)?.endpoint == endpoint)
  }

  /// How many pings a node sends to a host when that queries it.
  private func pings(to host: Int, from node: Int, in network: inout SimulatedNetwork) -> Int {
    let query = Query(sender: network[host].id, method: .ping)
    let source = network[host].endpoint
    return network.act(at: node) { node, now in
      _ = node.takeEffects()
      node.receive(now, Message(transaction: ShortBytes(7), body: .query(query)), from: source)
      return node.takeEffects().count { effect in
        guard case .send(let message, _) = effect, case .query = message.body else { return false }
        return true
      }
    }
  }

  @Test("one that is refused for its block is not pinged when it queries, and one of another block is")
  func noPings() {
    var network = network(802)
    var random = SplitMix64(seed: 4)
    let crowd = (0..<6).map { number in
      let id = network[0].id.at(.random(inBucket: 0, using: &random))
      return network.addHost(id: id, at: .public(7, UInt32(number)), bootstrap: [network[1].endpoint])
    }
    network.run(for: .seconds(20))
    let refused = crowd.filter { network[0].node.table.contact(network[$0].id) == nil }
    #expect(refused.count == 4)
    for host in refused { #expect(pings(to: host, from: 0, in: &network) == 0) }
    let elsewhere = network.addHost(
      id: network[0].id.at(.random(inBucket: 0, using: &random)), at: .public(8, 1), bootstrap: [],
      isStarted: false)
    #expect(pings(to: elsewhere, from: 0, in: &network) == 1)
  }

  @Test("however many IDs are claimed at the address of a contact, it is asked once who it is")
  func claims() {
    var network = network(804)
    var random = SplitMix64(seed: 5)
    var pinged = 0
    for _ in 0..<20 {
      let claim = Query(sender: NodeID(random: &random), method: .ping)
      let source = network[3].endpoint
      pinged += network.act(at: 0) { node, now in
        node.receive(now, Message(transaction: ShortBytes(7), body: .query(claim)), from: source)
        return node.takeEffects().count { effect in
          guard case .send(let message, _) = effect, case .query = message.body else { return false }
          return true
        }
      }
    }
    #expect(pinged == 1)
    #expect(network[0].node.table.contact(network[3].id) != nil)
  }

  @Test("other caps count from a reload on, for those that are there already, too")
  func adopted() {
    var network = network(803)
    var random = SplitMix64(seed: 6)
    func another(_ number: UInt32) -> Int {
      let id = network[0].id.at(.random(inBucket: 0, using: &random))
      let host = network.addHost(id: id, at: .public(7, number), bootstrap: [network[0].endpoint])
      network.run(for: .seconds(5))
      return network[0].node.table.contact(network[host].id) == nil ? 0 : 1
    }
    func adopt(_ change: (inout SubnetLimits) -> Void) {
      var parameters = network[0].node.parameters
      change(&parameters.subnetLimits)
      network.act(at: 0) { node, now in node.adopt(now, parameters) }
    }
    #expect([another(1), another(2), another(3)] == [1, 1, 0])
    adopt { $0.perBucket = 4 }
    #expect([another(4), another(5), another(6)] == [1, 1, 0])
    adopt { $0.scope = .none }
    #expect([another(7), another(8)] == [1, 1])
    adopt { $0.scope = .publicAddresses }
    #expect(another(9) == 0)
  }
}

extension Endpoint {
  /// 198.51.`block`.`host`: a public address.
  static func `public`(_ block: UInt32, _ host: UInt32, port: UInt16 = 8001) -> Endpoint {
    Endpoint(.v4(0xC633_0000 | block << 8 | host), port: port)
  }

  /// The block that it is in, for people.
  fileprivate var block: String {
    switch address {
    case .v4(let bits): "\(bits >> 8)"
    case .v6(let high, _): "\(high)"
    }
  }
}
