import NodeTime
import Simulation
import Testing

@testable import Kademlia

@Suite("Nodes that are new")
struct NewNodeTests {
  @Test("a network that starts empty has no new nodes once all have joined")
  func empty() throws {
    var network = SimulatedNetwork.joined(seed: 970, nodes: 24)
    network.run(for: .seconds(1))
    #expect(network.settled.count == network.hosts.count)
    #expect(try network.get("none", at: 3).isNotFound)
  }

  @Test("while as many nodes start as hold a key, nobody says that it has no value", arguments: 971..<977)
  func manyAtOnce(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 8)
    network.run(for: .seconds(60))
    let keys = (0..<20).map { "key \($0)" }
    for key in keys { #expect(try network.put(key, "value", at: 0).stored == 8) }
    for _ in 0..<16 { network.addHost(bootstrap: [network[0].endpoint]) }
    for _ in 0..<60 {
      network.run(for: .milliseconds(100))
      for host in network.alive.suffix(4) where network[host].isJoined {
        for key in keys.prefix(4) {
          let outcome = try network.get(key, at: host)
          #expect(!outcome.isNotFound, "\(outcome)")
        }
      }
    }
    network.run(for: .seconds(10))
    #expect(network.settled.count == network.hosts.count)
    for key in keys { #expect(try network.get(key, at: 23).confirmedText == "value") }
    #expect(try network.get("none", at: 23).isNotFound)
    // Each has what it should hold by now.
    for key in keys {
      for host in network.replicas(of: key) { #expect(network.stored(key, at: host) != nil) }
    }
  }

  @Test("a network that restarts as a whole finds its keys, and then says again that a key has no value")
  func wholeNetwork() throws {
    var network = SimulatedNetwork.joined(seed: 980, nodes: 5)
    network.run(for: .seconds(60))
    #expect(try network.put("key", "value", at: 0).stored == 5)
    for host in 0..<5 { network[host].remembered = network[host].node.latestContacts }
    network.kill(0..<5)
    for host in 0..<5 { network.restart(host) }
    network.run(for: .seconds(3))
    #expect(try network.get("key", at: 1).confirmedText == "value")
    network.run(for: .seconds(10))
    #expect(network.settled.count == network.hosts.count)
    #expect(try network.get("none", at: 1).isNotFound)
  }

  @Test("neighbours that do not tell whether they have handed over keep no node new")
  func olderNeighbours() throws {
    var network = SimulatedNetwork.joined(seed: 981, nodes: 12)
    _ = try network.put("key", "value", at: 0)
    for host in 0..<12 { network[host].tamper = { $0.changingResponse { $0.isHandedOver = nil } } }
    let newcomer = network.addHost(bootstrap: [network[0].endpoint])
    network.run(for: .seconds(5))
    #expect(network.settled.contains(newcomer))
  }

  @Test("a neighbour that lies keeps a node new for ten minutes at most, and its user reads meanwhile")
  func liar() throws {
    var network = SimulatedNetwork.joined(seed: 982, nodes: 12)
    network.run(for: .seconds(30))
    _ = try network.put("key", "value", at: 0)
    network[3].tamper = { $0.changingResponse { if $0.isHandedOver != nil { $0.isHandedOver = false } } }
    let newcomer = network.addHost(bootstrap: [network[0].endpoint])
    network.run(for: .seconds(300))
    #expect(!network.settled.contains(newcomer))
    #expect(try network.get("key", at: newcomer).confirmedText == "value")
    #expect(try network.get("none", at: newcomer).isNotFound)
    network.run(for: .seconds(340))
    #expect(network.settled.contains(newcomer))
  }
}

extension SimulatedNetwork {
  /// The hosts whose nodes are not new.
  fileprivate var settled: [Int] { hosts.indices.filter { !hosts[$0].node.isNew } }
}
