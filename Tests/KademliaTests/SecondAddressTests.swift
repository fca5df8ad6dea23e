import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Second addresses of contacts")
struct SecondAddressTests {
  @Test("dual-stack nodes that met by one family learn each other's address in the other")
  func learning() {
    let network = SimulatedNetwork.dualStack(seed: 1, nodes: 12)
    for host in network.hosts {
      #expect(host.node.table.count == 11)
      #expect(host.node.table.contacts.allSatisfy { $0.families == .all })
    }
  }

  @Test("a node of one family finds the dual-stack nodes that met in the other, and what they hold")
  func otherFamily() throws {
    var network = SimulatedNetwork.dualStack(seed: 2, nodes: 12)
    #expect(try network.put("k", "v", at: 3).verdict == .stored)
    let reader = network.addHost(in: .v6, through: 0, by: .v6)
    network.run(for: .seconds(30))
    #expect(network[reader].node.table.count == 12)
    #expect(try network.get("k", at: reader).confirmedText == "v")
    let outcome = try network.put("k2", "v2", at: reader)
    #expect(outcome.verdict == .stored && !outcome.isWeak && outcome.stored == 8)
    #expect(try network.get("k2", at: 7).confirmedText == "v2")
  }

  @Test("a contact that sends a query from its second address is asked there who it is")
  func queryFromSecondAddress() {
    var network = SimulatedNetwork(seed: 3, nodes: 0)
    network.addHost(in: .all, through: nil)
    network.addHost(in: .all, through: 0)
    // Neither tells the other.
    network[1].tamper = { $0.changingResponse { $0.nodes = [] } }
    network[0].tamper = { $0.changingResponse { $0.nodes = [] } }
    network.run(for: .seconds(30))
    let id = network[1].id
    #expect(network[0].node.table.contact(id)?.families == .v4)
    let query = Query(sender: id, method: .ping)
    network.inject(Message(transaction: ShortBytes(77), body: .query(query)), from: .v6Host(1), to: 0)
    network.run(for: .seconds(1))
    #expect(network[0].node.table.contact(id)?.families == .all)
    // The address that works stays the one that is asked.
    #expect(network[0].node.table.contact(id)?.endpoint == .host(1))
  }

  @Test("a contact is not doubted because it does not answer where another node says that it is")
  func falseAddress() {
    var network = SimulatedNetwork(seed: 4, nodes: 0)
    for host in 0..<3 { network.addHost(in: host == 1 ? .v4 : .all, through: host == 0 ? nil : 0) }
    network.run(for: .seconds(30))
    let victim = network[1].id
    let address = Endpoint.v6Host(99)
    network[2].tamper = { $0.changingResponse { $0.nodes = [Peer(id: victim, endpoint: address)] } }
    let before = network[0].node.counters.queriesSent
    for _ in 0..<20 {
      _ = try? network.lookup(.starting(0x12), at: 0)
      network.run(for: .seconds(10))
    }
    let contact = network[0].node.table.contact(victim)
    #expect(contact?.state == .good && contact?.families == .v4)
    #expect(contact?.failures == 0)
    #expect(network[0].node.counters.queriesFailed <= 1)
    #expect(network[0].node.counters.queriesSent > before)
  }

  @Test("a dual-stack node names its own other address to those that want both families, and to no others")
  func ownAddress() throws {
    var network = SimulatedNetwork(seed: 5, nodes: 0)
    network.addHost(in: .all, through: nil)
    network.run(for: .seconds(1))
    func nodes(_ want: AddressFamilies, from source: Endpoint) throws -> [Peer] {
      let body = network.query(.findNode(target: .starting(1)), to: 0, want: want, from: source)
      guard case .response(let response)? = body else { return [] }
      return response.nodes
    }
    let id = network[0].id
    #expect(try nodes(.all, from: .host(9)) == [Peer(id: id, endpoint: .v6Host(0))])
    #expect(try nodes(.all, from: .v6Host(9)) == [Peer(id: id, endpoint: .host(0))])
    #expect(try nodes(.v4, from: .host(9)).isEmpty)
    #expect(try nodes([], from: .v6Host(9)).isEmpty)
  }

  @Test("contacts of one family never keep those of the other out of a bucket")
  func bucketLimits() {
    var table = RoutingTable(local: .zero, parameters: Parameters(), now: .start)
    let capacity = Parameters().k
    func peer(_ number: Int, _ endpoint: Endpoint) -> Peer {
      Peer(id: .starting(0x01, UInt8(number)), endpoint: endpoint)
    }
    for number in 0..<20 { _ = table.answered(.start, peer(number, .host(number)), roundTrip: nil) }
    #expect(table.count == capacity)
    #expect(table.hasUse(for: peer(100, .host(100))) == false)
    #expect(table.hasUse(for: peer(100, .v6Host(100))))
    for number in 100..<120 { _ = table.answered(.start, peer(number, .v6Host(number)), roundTrip: nil) }
    #expect(table.count == 2 * capacity)
    #expect(table.contactCount(in: .v6) == capacity)
    // The place of a contact goes to one of its family.
    for failure in 0..<3 {
      let sent = Instant.start + .seconds(10 * (failure + 1))
      _ = table.failed(sent + .seconds(5), peer(100, .v6Host(100)).id, sentAt: sent)
    }
    #expect(table.contactCount(in: .v6) == capacity && table.contactCount(in: .v4) == capacity)
    // The second address of a contact takes no place from it.
    _ = table.answered(.start, peer(0, .v6Host(0)), roundTrip: nil)
    #expect(table.contact(peer(0, .host(0)).id)?.families == .all)
    #expect(table.count == 2 * capacity)
  }

  @Test("an asker that wants both families is told the K closest of each")
  func wantOfBoth() {
    var table = RoutingTable(local: .zero, parameters: Parameters(), now: .start)
    func id(_ number: Int) -> NodeID { .starting(UInt8(0x80 >> (number / 8)), UInt8(number)) }
    // Every IPv4 contact is closer to the target than any IPv6 contact, and one has both addresses.
    for number in 0..<8 {
      _ = table.answered(.start, Peer(id: id(number), endpoint: .host(number)), roundTrip: nil)
    }
    for number in 8..<16 {
      _ = table.answered(.start, Peer(id: id(number), endpoint: .v6Host(number)), roundTrip: nil)
    }
    _ = table.answered(.start, Peer(id: id(0), endpoint: .v6Host(0)), roundTrip: nil)
    let named = table.peers(
      closestTo: .starting(0x80), count: 8, for: .starting(0xEE), at: .elsewhere(1), in: .all)
    #expect(Set(named.filter { $0.endpoint.address.family == .v4 }.map(\.id)) == Set((0..<8).map(id)))
    #expect(
      Set(named.filter { $0.endpoint.address.family == .v6 }.map(\.id)) == Set(([0] + (8..<15)).map(id)))
    // The first lookups of a dual-stack node begin with as many.
    #expect(table.closest(to: .starting(0x80), count: 8, ofEach: .all).count == 15)
  }
}
