import Kademlia
import Simulation
import Testing

@Suite("Hand-off")
struct HandOffTests {
  /// A network with some keys, whose nodes have known each other for a while, and long before anything
  /// is replicated.
  private func network(_ seed: UInt64, nodes: Int, keys: Int = 60) throws -> SimulatedNetwork {
    var network = SimulatedNetwork.joined(seed: seed, nodes: nodes) { $0.remembersContacts = true }
    network.run(for: .seconds(700))
    for number in 0..<keys { _ = try network.put("key \(number)", "value", at: number % nodes) }
    return network
  }

  /// The keys that a host should hold and does not, or not at their newest version.
  private func missing(at host: Int, keys: Int = 60, _ network: SimulatedNetwork) -> [Int] {
    (0..<keys).filter { number in
      let key = "key \(number)"
      let replicas = network.replicas(of: key)
      guard replicas.contains(host) else { return false }
      let newest = replicas.compactMap { network.stored(key, at: $0)?.version.seq }.max()
      return network.stored(key, at: host)?.version.seq != newest
    }
  }

  @Test(
    "a new node gets the records that it should hold, without a read and long before replication",
    arguments: [20, 60])
  func newcomer(_ nodes: Int) throws {
    var network = try network(330, nodes: nodes)
    let sent = network.hosts.map { $0.node.counters.replicasSent }.reduce(0, +)
    let newcomer = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .seconds(60))
    #expect(missing(at: newcomer, network) == [])
    let held = (0..<60).count { network.stored("key \($0)", at: newcomer) != nil }
    #expect(held > 0)
    // Each from one holder, or seldom two that see the neighbourhood differently.
    let copies = network.hosts.map { $0.node.counters.replicasSent }.reduce(0, +) - sent
    #expect(copies <= Int64(held) * 3 / 2 + 2, "\(copies) for \(held)")
  }

  @Test("a node that was started again catches up with what was written and deleted meanwhile")
  func catchesUp() throws {
    var network = try network(331, nodes: 20)
    let host = network.replicas(of: "key 0")[0]
    network.kill(host)
    for number in stride(from: 0, to: 60, by: 3) {
      let other = (host + 1 + number) % 20 == host ? (host + 2) % 20 : (host + 1 + number) % 20
      if number % 2 == 0 {
        _ = try network.put("key \(number)", "newer", at: other)
      } else {
        _ = try network.delete("key \(number)", at: other)
      }
    }
    // Within seconds: nobody has noticed that it was away.
    network.restart(host)
    #expect(!missing(at: host, network).isEmpty)
    network.run(for: .seconds(75))
    #expect(missing(at: host, network) == [])
  }

  @Test("where a node is gone for good, the next closest is given what it held")
  func departure() throws {
    var network = try network(332, nodes: 30)
    let gone = network.replicas(of: "key 0")[1]
    network.kill(gone)
    // As long as it takes to ask every contact once whether it is there.
    network.run(for: .seconds(1000))
    for number in 0..<60 {
      let key = "key \(number)"
      #expect(Set(network.holders(of: key)).isSuperset(of: network.replicas(of: key)), "\(key)")
    }
  }

  @Test("after half of the nodes are gone at once, every key with a holder left is at K nodes again")
  func half() throws {
    var network = try network(333, nodes: 32)
    let dead = Set((0..<32).filter { $0 % 2 == 1 })
    network.kill(dead.sorted())
    let surviving = (0..<60).filter { !network.holders(of: "key \($0)").isEmpty }
    #expect(surviving.count > 50)
    network.run(for: .seconds(600))
    for number in surviving {
      let key = "key \(number)"
      #expect(Set(network.holders(of: key)).isSuperset(of: network.replicas(of: key)), "\(key)")
    }
  }

  @Test(
    "a healed partition has the newest of both sides everywhere, within a minute and a half",
    arguments: 0..<4)
  func partition(_ seed: UInt64) throws {
    var network = try network(340 + seed, nodes: 8, keys: 12)
    network.isolate(4..<8)
    network.run(for: .seconds(180))
    for number in 0..<12 {
      _ = try network.put("left \(number)", "left", at: number % 4)
      _ = try network.put("right \(number)", "right", at: 4 + number % 4)
      _ = try network.put("key \(number)", "of the left", at: number % 4)
      network.run(for: .milliseconds(10))
      if number % 3 == 0 {
        _ = try network.delete("key \(number)", at: 4 + number % 4)
      } else {
        _ = try network.put("key \(number)", "of the right", at: 4 + number % 4)
      }
    }
    network.heal()
    network.run(for: .seconds(90))
    for host in 0..<8 {
      for number in 0..<12 {
        #expect(try network.value(of: "left \(number)", at: host) == "left")
        #expect(try network.value(of: "right \(number)", at: host) == "right")
        let value = try network.value(of: "key \(number)", at: host)
        #expect(value == (number % 3 == 0 ? nil : "of the right"), "key \(number) at \(host)")
        #expect(network.stored("key \(number)", at: host)?.version.isTombstone == (number % 3 == 0))
      }
    }
  }

  @Test("a node that pauses while it is offered records gets the rest of them a while later")
  func pause() throws {
    var network = try network(337, nodes: 12, keys: 300)
    let newcomer = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .milliseconds(1300))
    // For so long nobody counts it as lost, and all that was offered to it is late.
    network[newcomer].lag = .seconds(3)
    network.run(for: .seconds(2))
    network[newcomer].lag = .zero
    network.run(for: .seconds(130))
    #expect(missing(at: newcomer, keys: 300, network) == [])
  }

  @Test("a slow node holds up no other that is offered records at the same time")
  func slow() throws {
    var network = try network(338, nodes: 12, keys: 300)
    let slow = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network[slow].lag = .milliseconds(700)
    let newcomer = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .seconds(40))
    #expect(missing(at: newcomer, keys: 300, network) == [])
  }

  @Test("at rest nothing is offered")
  func quiet() throws {
    var network = try network(335, nodes: 20)
    network.run(for: .seconds(120))
    let before = network.hosts.map { $0.node.counters.handOffs }
    network.run(for: .seconds(1200))
    #expect(network.hosts.map { $0.node.counters.handOffs } == before)
  }

  @Test("offers that nobody answers hold up no others")
  func silentRecipient() throws {
    var network = try network(336, nodes: 12, keys: 200)
    let first = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .milliseconds(1200))
    network.kill(first)
    let second = network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .seconds(60))
    #expect(missing(at: second, keys: 200, network) == [])
    network.run(for: .seconds(60))
    #expect(network.hosts.filter(\.isAlive).allSatisfy { $0.node.offersInFlight == 0 })
  }
}
