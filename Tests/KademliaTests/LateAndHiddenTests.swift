import Kademlia
import SeededRandom
import Simulation
import Testing

@Suite("Late holders, hidden versions, writers at one node")
struct LateAndHiddenTests {
  @Test(
    "of writers at one node that all ask for an absent key, no loser's value comes up",
    arguments: 60..<66)
  func writersAtOneNode(_ seed: UInt64) throws {
    // What one node sends arrives in its order everywhere: nobody arbitrates where it does not.
    var network = SimulatedNetwork.joined(seed: seed, nodes: 5) { $0.links.jitter = .zero }
    let values = ["one", "two", "three"]
    let tickets = try values.map { try network.beginPut("key", $0, at: 1, ifSeq: 0) }
    var winners: [String] = []
    for (value, ticket) in zip(values, tickets)
    where try network.putOutcome(of: ticket).verdict == .stored {
      winners.append(value)
    }
    #expect(winners.count == 1)
    for _ in 0..<2 {
      for host in 0..<5 {
        let value = try network.value(of: "key", at: host)
        if let winner = winners.first { #expect(value == winner) }
        network.run(for: .seconds(1))
      }
    }
  }

  @Test("an expired version hides the older one that a holder missed it on", arguments: 70..<74)
  func hiddenByExpired(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 6)
    #expect(try network.put("key", "old", at: 1, ttl: 86_400).stored == 6)
    network[3].commitMode = .refuse(.full(limit: 0))
    #expect(try network.put("key", "new", at: 1, ttl: 5).stored == 5)
    network[3].commitMode = .atOnce
    network.run(for: .seconds(6))
    for host in 0..<6 {
      #expect(try network.get("key", at: host).isNotFound)
      // Nor does a read bring the old one back anywhere.
      network.run(for: .seconds(1))
    }
    let put = try network.put("key", "newest", at: 3, ifSeq: 0)
    #expect(put.verdict == .stored && put.stored == 6)
  }

  @Test("a node that was taken for dead and answers late gets the record after all")
  func stragglers() throws {
    var network = SimulatedNetwork.joined(seed: 75, nodes: 24)
    _ = try network.put("key", "old", at: 1)
    let replicas = network.replicas(of: "key")
    let writer = try #require((0..<24).first { !replicas.contains($0) })
    let late = replicas.prefix(3)
    for host in late { network[host].lag = .seconds(3) }
    let put = try network.put("key", "new", at: writer)
    #expect(put.verdict == .stored && put.stored == 8)
    for host in late { #expect(network.stored("key", at: host)?.version != put.version) }
    #expect(network[writer].node.putsWithStragglers == 1)
    network.run(for: .seconds(4))
    for host in late { network[host].lag = .zero }
    network.run(for: .seconds(4))
    for host in late { #expect(network.stored("key", at: host)?.version == put.version) }
    #expect(network[writer].node.putsWithStragglers == 0)
  }

  @Test("a put stops to wait for a node that never answers")
  func deadStragglers() throws {
    var network = SimulatedNetwork.joined(seed: 76, nodes: 24)
    let replicas = network.replicas(of: "key")
    let writer = try #require((0..<24).first { !replicas.contains($0) })
    network.kill(replicas.prefix(3))
    #expect(try network.put("key", "value", at: writer).stored == 8)
    network.run(for: .seconds(6))
    #expect(network[writer].node.putsWithStragglers == 0)
  }

  @Test("nor for one that answers late and refuses, or has become another node")
  func refusingStragglers() throws {
    var network = SimulatedNetwork.joined(seed: 78, nodes: 24)
    let replicas = network.replicas(of: "key")
    let writer = try #require((0..<24).first { !replicas.contains($0) })
    for host in replicas.prefix(2) { network[host].lag = .seconds(3) }
    network[replicas[0]].tamper = { message in
      guard case .response = message.body else { return message }
      return Message(transaction: message.transaction, body: .error(RPCError(201, "no")))
    }
    network[replicas[1]].tamper = { $0.changingResponse { $0.sender = .starting(77) } }
    #expect(try network.put("key", "value", at: writer).stored == 8)
    #expect(network[writer].node.putsWithStragglers == 1)
    network.run(for: .seconds(8))
    #expect(network[writer].node.putsWithStragglers == 0)
  }

  @Test("a crowd of senders that cannot be queried keeps no newcomer out")
  func crowd() throws {
    var network = SimulatedNetwork.joined(seed: 77, nodes: 3)
    let newcomer = network.addHost(bootstrap: [network[0].endpoint])
    var random = SplitMix64(seed: 1)
    for step in 0..<100 {
      for number in 0..<10 {
        let query = Query(sender: NodeID(random: &random), method: .ping)
        let source = Endpoint(.v4(0xC633_6400), port: UInt16(1 + step * 10 + number))
        network.inject(Message(transaction: ShortBytes(1), body: .query(query)), from: source, to: 0)
      }
      network.run(for: .milliseconds(100))
    }
    #expect(network[0].node.table.contact(network[newcomer].id) != nil)
  }
}
