import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Coming back to a network") struct RejoinTests {
  @Test("a node that no list helps finds the network through the contacts that it had")
  func remembered() throws {
    var network = SimulatedNetwork.joined(seed: 220, nodes: 24)
    network.run(for: .seconds(30))
    network[5].bootstrap = []
    network[5].remembered = network[5].node.table.contacts.map(\.peer)
    network.restart(5)
    #expect(!network[5].isJoined)
    network.run(for: .seconds(2))
    #expect(network[5].isJoined)
    #expect(network[5].node.table.count >= 8)
    #expect(try network.put("key", "value", at: 5).stored == 8)
  }

  @Test("the node that the lists name waits for its contacts before it is ready")
  func firstNode() {
    var network = SimulatedNetwork.joined(seed: 221, nodes: 6)
    network.run(for: .seconds(30))
    network[0].bootstrap = [network[0].endpoint]
    network[0].remembered = network[0].node.table.contacts.map(\.peer)
    network.restart(0)
    network.run(for: .seconds(2))
    #expect(network[0].isJoined)
    #expect(!network[0].notices.suffix(8).contains(.joined(contacts: 0)))
    #expect(network[0].node.table.count == 5)
  }

  @Test("contacts that are all gone hold nobody up for longer than a join may take, and warn of nothing")
  func allGone() throws {
    var network = SimulatedNetwork.joined(seed: 222, nodes: 4)
    network.run(for: .seconds(30))
    network[0].bootstrap = [network[0].endpoint]
    network[0].remembered = network[0].node.table.contacts.map(\.peer)
    network.kill(1..<4)
    let before = network[0].notices.count
    network.restart(0)
    network.run(for: .seconds(3))
    #expect(network[0].isJoined)
    #expect(Array(network[0].notices.dropFirst(before)) == [.joined(contacts: 0)])
    #expect(network[0].node.lostContacts.count == 3)
    // One that comes back is met again.
    network[2].bootstrap = []
    network.restart(2)
    network.run(for: .seconds(150))
    #expect(network[0].node.table.contact(network[2].id) != nil)
  }

  @Test("a bootstrap name that cannot be looked up is tried again, whomever the node knows by then")
  func unresolved() throws {
    var network = SimulatedNetwork(seed: 223, nodes: 0)
    for host in 0..<3 {
      network.addHost(bootstrap: host == 1 ? [SimulatedHost.endpoint(of: 0)] : [], isStarted: host < 2)
    }
    network.run(for: .seconds(10))
    // It knows itself and node 1, and there is a name for node 2 that does not work yet.
    network[0].bootstrap = [network[0].endpoint]
    network[0].unresolved = 1
    network[0].remembered = [network[1].peer]
    network.restart(0)
    network.run(for: .seconds(10))
    #expect(network[0].node.table.count == 1)
    network.restart(2)
    network[0].bootstrap.append(network[2].endpoint)
    network[0].unresolved = 0
    network.run(for: .seconds(60))
    #expect(network[0].node.table.count == 2)
  }

  @Test("a list of this node and of a name that cannot be looked up is tried again")
  func selfAndUnresolved() {
    var network = SimulatedNetwork(seed: 224, nodes: 0)
    network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)], isStarted: false)
    network.addHost(bootstrap: [])
    network[0].unresolved = 1
    network.restart(0)
    network.run(for: .seconds(10))
    #expect(network[0].isJoined && network[0].node.table.isEmpty)
    network[0].bootstrap.append(network[1].endpoint)
    network[0].unresolved = 0
    network.run(for: .seconds(60))
    #expect(network[0].node.table.count == 1)
  }

  @Test("newcomers do not put off the next look-up of a name")
  func unresolvedAmongNewcomers() {
    var network = SimulatedNetwork(seed: 227, nodes: 0)
    network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)], isStarted: false)
    // Nobody leads here but the name.
    network.addHost(bootstrap: [])
    network[0].unresolved = 1
    network.restart(0)
    network.addHost(bootstrap: [network[0].endpoint])
    network.run(for: .seconds(5))
    network[0].bootstrap.append(network[1].endpoint)
    network[0].unresolved = 0
    for _ in 0..<6 {
      network.addHost(bootstrap: [network[0].endpoint])
      network.run(for: .seconds(10))
    }
    #expect(network[0].node.table.contact(network[1].id) != nil)
  }

  @Test("somebody who asks to join through a far node is not told that nobody is there")
  func farBootstrap() throws {
    var network = SimulatedNetwork.joined(seed: 225, nodes: 8)
    network.run(for: .seconds(60))
    let far = network.addHost(bootstrap: [])
    network.run(for: .seconds(1))
    // Much further away than anybody that node 0 knows.
    network[far].lag = .seconds(1)
    let ticket = try network.begin(at: 0) { node, now throws(OperationRefusal) in
      try node.bootstrap(now, [SimulatedHost.endpoint(of: far)])
    }
    guard case .bootstrap(let outcome) = try network.outcome(of: ticket) else {
      Issue.record("no answer to a bootstrap")
      return
    }
    #expect(outcome.met.map(\.id) == [network[far].id])
  }

  @Test("a contact that has answered since is not judged by an older query")
  func olderQuery() {
    let local = NodeID.starting(1)
    var table = RoutingTable(local: local, parameters: Parameters(), now: .start)
    let peer = Peer(id: .starting(200), endpoint: SimulatedHost.endpoint(of: 1))
    _ = table.answered(.start, peer, roundTrip: .milliseconds(1))
    _ = table.answered(.start + .seconds(2), peer, roundTrip: .milliseconds(1))
    #expect(table.failed(.start + .seconds(6), peer.id, sentAt: .start + .seconds(1)) == nil)
    #expect(table.contact(peer.id)?.state == .good)
    #expect(table.contact(peer.id)?.failures == 0)
    #expect(table.failed(.start + .seconds(8), peer.id, sentAt: .start + .seconds(3)) == nil)
    #expect(table.contact(peer.id)?.failures == 1)
  }

  @Test("a contact in doubt that queries us is asked at once, at the address that we know")
  func doubtful() throws {
    var network = SimulatedNetwork.joined(seed: 226, nodes: 3)
    network.run(for: .seconds(60))
    network.isolate([1])
    // Node 0 misses it and does not give it up yet.
    _ = try network.ping(network[1].endpoint, at: 0)
    network.run(for: .seconds(40))
    #expect(network[0].node.table.contact(network[1].id)?.state == .questionable)
    network.heal()
    let stranger = SimulatedHost.endpoint(of: 2)
    let query = Query(sender: network[1].id, method: .ping)
    network.inject(Message(transaction: ShortBytes(7), body: .query(query)), from: stranger, to: 0)
    network.run(for: .seconds(1))
    let contact = network[0].node.table.contact(network[1].id)
    #expect(contact?.state == .good)
    #expect(contact?.endpoint == network[1].endpoint)
  }
}
