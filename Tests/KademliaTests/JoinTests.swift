import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Joining")
struct JoinTests {
  @Test("the same seed gives the same run, another seed another")
  func deterministic() throws {
    func trace(_ seed: UInt64) throws -> TraceHash {
      var network = SimulatedNetwork.joined(seed: seed, nodes: 24) {
        $0.links.loss = 0.05
        $0.links.duplication = 0.05
      }
      for number in 0..<10 { _ = try network.put("key \(number)", "value", at: number) }
      network.kill(3..<6)
      network.run(for: .seconds(120))
      return network.trace
    }
    let first = try trace(7)
    #expect(try trace(7) == first)
    #expect(try trace(8) != first)
  }

  @Test("nodes know their own closest neighbours and are known by others", arguments: 0..<8)
  func tables(_ seed: UInt64) {
    let network = SimulatedNetwork.joined(seed: seed, nodes: 60)
    var unknown = 0
    for host in network.hosts {
      #expect(host.isJoined)
      #expect(host.node.table.count >= 20, "host \(host.index)")
      let neighbours = network.closest(to: host.id, count: 4).dropFirst()
      unknown += neighbours.count { host.node.table.contact(network[$0].id) == nil }
    }
    // Two that join within the same milliseconds may miss each other at first.
    #expect(unknown <= 2, "of \(60 * 3)")
    for host in network.hosts {
      let knownBy = network.hosts.count { $0.node.table.contact(host.id) != nil }
      #expect(knownBy >= 8)
    }
  }

  @Test("a small network knows itself whole")
  func smallNetwork() {
    let network = SimulatedNetwork.joined(seed: 3, nodes: 6)
    for host in network.hosts { #expect(host.node.table.count == 5) }
  }

  @Test("joining ends well before its limit, and says so once")
  func notice() {
    let network = SimulatedNetwork.joined(seed: 5, nodes: 20)
    for host in network.hosts {
      let joins = host.notices.filter { if case .joined = $0 { true } else { false } }
      #expect(joins.count == 1)
      if host.index > 0, case .joined(let contacts)? = joins.first { #expect(contacts > 0) }
    }
  }

  @Test("a node whose bootstrap list names only itself is the first of a network")
  func ownAddress() {
    var network = SimulatedNetwork(seed: 1, nodes: 0)
    let host = network.addHost(bootstrap: [.host(0)])
    network.run(for: .milliseconds(100))
    #expect(network[host].isJoined)
    network.run(for: .seconds(300))
    #expect(network[host].node.counters.queriesSent == 0)
    #expect(network[host].notices == [.joined(contacts: 0)])
  }

  @Test("two nodes that name each other find each other")
  func mutual() {
    var network = SimulatedNetwork(seed: 1, nodes: 0)
    network.addHost(bootstrap: [.host(1)])
    network.addHost(bootstrap: [.host(0)])
    network.run(for: .seconds(2))
    #expect(network.hosts.allSatisfy { $0.node.table.count == 1 && $0.isJoined })
  }

  @Test("operations wait no longer than 2 s for a bootstrap address that is dead")
  func deadBootstrap() throws {
    var network = SimulatedNetwork(seed: 2, nodes: 0)
    let host = network.addHost(bootstrap: [.elsewhere(1)])
    network.run(for: .milliseconds(1900))
    #expect(!network[host].isJoined)
    let ticket = try network.beginPut("hello", "world", at: host)
    #expect(!network.hasOutcome(ticket))
    network.run(for: .milliseconds(200))
    #expect(network[host].isJoined)
    #expect(try network.putOutcome(of: ticket).stored == 1)
  }

  @Test("names that resolve to nothing end the join at once, and are tried again")
  func unresolved() {
    var node = Node(
      .start,
      identity: .init(id: .starting(1), endpoints: [.host(0)], families: .v4, tokenSecret: [1]),
      parameters: Parameters(), records: MemoryStore(maxBytes: 1000), random: SplitMix64(seed: 1))
    node.start(.start, hasBootstrap: true)
    _ = node.takeEffects()
    node.bootstrapResolved(.start, [])
    #expect(node.isJoined == true)
    var asked = 0
    var now = Now.start
    for _ in 0..<60 {
      now.monotonic = now.monotonic + .seconds(1)
      node.advance(now)
      for case .resolveBootstrap in node.takeEffects() {
        asked += 1
        node.bootstrapResolved(now, [])
      }
    }
    // After 1, 2, 4, 8, 16 and then every 30 s.
    #expect(asked == 5)
  }

  @Test("a bootstrap address that comes up late is found")
  func lateBootstrap() {
    var network = SimulatedNetwork(seed: 4, nodes: 0)
    network.addHost(bootstrap: [], isStarted: false)
    for _ in 0..<4 { network.addHost(bootstrap: [.host(0)]) }
    network.run(for: .seconds(100))
    #expect(network[1].node.table.isEmpty)
    #expect(network[1].notices.contains { if case .bootstrapUnanswered = $0 { true } else { false } })
    network.restart(0)
    network.run(for: .seconds(70))
    for host in network.hosts { #expect(host.node.table.count == 4, "host \(host.index)") }
  }

  @Test("a put right after the start waits for the join and is stored at several nodes")
  func earlyPut() throws {
    var network = SimulatedNetwork.joined(seed: 9, nodes: 16)
    let host = network.addHost(bootstrap: [.host(0)])
    network.run(for: .milliseconds(1))
    let ticket = try network.beginPut("hello", "world", at: host)
    let put = try network.putOutcome(of: ticket)
    #expect(put.verdict == .stored)
    #expect(put.stored == 8)
    #expect(Set(network.holders(of: "hello")) == Set(network.replicas(of: "hello")))
  }

  @Test("more operations than may wait for the join are refused as busy, and the others all end")
  func line() throws {
    var network = SimulatedNetwork(seed: 2, nodes: 0)
    let host = network.addHost(bootstrap: [.elsewhere(1)])
    network.run(for: .milliseconds(10))
    let limit = network.configuration.parameters.waitingOperations
    let tickets = try (0..<limit).map { try network.beginGet("key \($0)", at: host) }
    #expect(throws: OperationRefusal.busy(limit: limit)) { try network.beginGet("more", at: host) }
    for ticket in tickets { _ = try network.outcome(of: ticket) }
    #expect(network[host].node.pendingOperations == 0)
    // The node is alone: it was told of another, and reaches none.
    #expect(network[host].node.counters.getsFailed == Int64(limit))
  }

  @Test("a restarted node finds its place again and still has its records")
  func restart() throws {
    var network = SimulatedNetwork.joined(seed: 12, nodes: 20)
    _ = try network.put("hello", "world", at: 1)
    let holder = try #require(network.holders(of: "hello").last { $0 != 0 })
    network.restart(holder)
    network.run(for: .seconds(3))
    #expect(network[holder].node.table.count >= 8)
    #expect(network.stored("hello", at: holder) != nil)
    #expect(try network.value(of: "hello", at: holder) == "world")
  }

  @Test("someone may name further addresses to a running node")
  func userBootstrap() throws {
    var network = SimulatedNetwork.joined(seed: 12, nodes: 10)
    let lone = network.addHost(bootstrap: [])
    network.run(for: .seconds(1))
    let ticket = try network.begin(at: lone) {
      try $0.bootstrap($1, [.host(3), .elsewhere(4), .host(lone)])
    }
    guard case .bootstrap(let outcome) = try network.outcome(of: ticket) else {
      Issue.record("not a bootstrap outcome")
      return
    }
    #expect(outcome.met == [network[3].peer])
    #expect(outcome.own == [.host(lone)])
    #expect(outcome.unanswered == [.elsewhere(4)])
    #expect(outcome.duplicates == [])
    network.run(for: .seconds(2))
    #expect(network[lone].node.table.count == 10)
  }

  @Test("a bootstrap to no address at all ends at once")
  func emptyBootstrap() throws {
    var network = SimulatedNetwork.joined(seed: 12, nodes: 2)
    let ticket = try network.begin(at: 0) { try $0.bootstrap($1, []) }
    #expect(network.hasOutcome(ticket))
  }
}
