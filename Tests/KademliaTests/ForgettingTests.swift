import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Nodes that are gone for good")
struct ForgettingTests {
  /// A network in which all but a few nodes are dead, and the nodes left know it.
  private func remains(seed: UInt64, of nodes: Int, left: Int) throws -> SimulatedNetwork {
    var network = SimulatedNetwork.joined(seed: seed, nodes: nodes)
    network.run(for: .seconds(60))
    network.kill(left..<nodes)
    network.run(for: .seconds(400))
    return network
  }

  @Test("a node that is cut off says so once, and is a network again once its user forgets the others")
  func cutOff() throws {
    var network = try remains(seed: 960, of: 12, left: 4)
    #expect(network[0].node.standing == .cutOff)
    let cutOffs = network[0].notices.filter { if case .cutOff = $0 { true } else { false } }
    #expect(cutOffs.count == 1)
    #expect(try network.get("none", at: 0).isUnreachable)
    let forgotten = network.forget(at: 0)
    #expect(Set(forgotten.map(\.id)) == Set((4..<12).map { network[$0].id }))
    #expect(network[0].node.standing == .connected)
    #expect(network[0].notices.contains(.reachesMajority(reached: 3, of: 3)))
    #expect(network[0].node.silentNodes(network.time).isEmpty)
    // The others still count them, and say so.
    #expect(network[1].node.standing == .cutOff)
    for host in 1..<4 { _ = network.forget(at: host) }
    #expect(try network.get("none", at: 0).isNotFound)
    #expect(try network.put("key", "value", at: 0, ifSeq: 0).verdict == .stored)
  }

  @Test("one node is forgotten by its ID, and a node that answers is not")
  func one() throws {
    var network = try remains(seed: 961, of: 3, left: 2)
    let gone = network[2].id
    #expect(network.forget(network[1].id, at: 0).isEmpty)
    #expect(network[0].node.table.contact(network[1].id) != nil)
    #expect(network.forget(gone, at: 0).map(\.id) == [gone])
    #expect(network.forget(gone, at: 0).isEmpty)
    #expect(!network[0].node.lostContacts.contains { $0.id == gone })
    // It comes back, and is a contact like any other.
    network[2].bootstrap = [network[0].endpoint]
    network.restart(2)
    network.run(for: .seconds(10))
    #expect(network[0].node.table.contact(gone) != nil)
  }

  @Test(
    "a node that was cut off stays so if a restart takes it to the other side, as long as that is no majority"
  )
  func restartOnOtherSide() throws {
    var network = SimulatedNetwork.joined(seed: 963, nodes: 8)
    network.run(for: .seconds(60))
    network.isolate(0..<3)
    network.run(for: .seconds(400))
    #expect(network[0].node.standing == .cutOff)
    network[0].remembered = network[0].node.latestContacts
    network[0].silent = network[0].node.silentNodes(network.time)
    network.kill(0)
    // Four of the eight that it had: two of those that it had reached are away now.
    network.heal()
    network.isolate([0, 3, 4, 5])
    network.restart(0)
    network.run(for: .seconds(60))
    #expect(network[0].node.table.count == 3)
    #expect(network[0].node.standing == .cutOff)
    network.heal()
    network.run(for: .seconds(120))
    #expect(network[0].node.standing == .connected)
  }

  @Test("a node that is cut off stays so over a restart, until most of the others answer")
  func restart() throws {
    var network = try remains(seed: 962, of: 12, left: 4)
    #expect(network[0].node.standing == .cutOff)
    network[0].remembered = network[0].node.latestContacts
    network[0].silent = network[0].node.silentNodes(network.time)
    network[0].bootstrap = []
    network.restart(0)
    network.run(for: .seconds(30))
    #expect(network[0].node.table.count == 3)
    #expect(network[0].node.standing == .cutOff)
    #expect(try network.get("none", at: 0).isUnreachable)
    for host in 4..<12 {
      network[host].bootstrap = [network[1].endpoint]
      network.restart(host)
    }
    network.run(for: .seconds(120))
    #expect(network[0].node.standing == .connected)
    #expect(try network.get("none", at: 0).isNotFound)
  }

  @Test("a node whose bootstrap names lead nowhere is a network of its own once its user says so, also later")
  func bootstrap() throws {
    var network = SimulatedNetwork(seed: 963, nodes: 0)
    network.addHost(bootstrap: [.elsewhere(1)])
    network.run(for: .seconds(10))
    #expect(network[0].node.standing == .alone)
    #expect(try network.get("none", at: 0).isUnreachable)
    #expect(network.forget(at: 0).isEmpty)
    #expect(network[0].node.standing == .onlyNode && network[0].node.isBootstrapForgotten)
    #expect(try network.get("none", at: 0).isNotFound)
    network[0].isBootstrapForgotten = true
    network.restart(0)
    network.run(for: .seconds(10))
    #expect(network[0].node.standing == .onlyNode)
    // Another node ends that: when it falls silent, the first one is alone.
    network.addHost(bootstrap: [network[0].endpoint])
    network.run(for: .seconds(10))
    #expect(network[0].node.standing == .connected && !network[0].node.isBootstrapForgotten)
    network.kill([1])
    network.run(for: .seconds(60))
    #expect(network[0].node.standing == .alone)
  }
}
