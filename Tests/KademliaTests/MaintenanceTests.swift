import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Upkeep")
struct MaintenanceTests {
  @Test("a node that lost all its contacts finds the network again when it comes back")
  func comesBack() throws {
    var network = SimulatedNetwork.joined(seed: 90, nodes: 12)
    // Node 5 has no bootstrap address that could help.
    network[5].bootstrap = []
    network.isolate([5])
    network.run(for: .seconds(900))
    #expect(network[5].node.table.isEmpty)
    #expect(network[5].notices.contains(.isolated))
    #expect(network[5].node.lostContacts.count == 11)
    let alone = try network.put("key", "alone", at: 5)
    #expect(alone.verdict == .stored && alone.replicas == 1)
    network.heal()
    network.run(for: .seconds(60))
    #expect(network[5].node.table.count == 11)
    #expect(try network.put("key", "together", at: 5).stored == 8)
  }

  @Test("a healed partition merges without help", arguments: [16, 80])
  func merge(_ nodes: Int) throws {
    var network = SimulatedNetwork.joined(seed: 91, nodes: nodes)
    // No list of addresses helps: each side has only what it remembers.
    for host in 0..<nodes { network[host].bootstrap = [] }
    network.isolate(nodes / 2..<nodes)
    network.run(for: .seconds(400))
    _ = try network.put("left", "value", at: 1)
    _ = try network.put("right", "value", at: nodes - 1)
    network.heal()
    network.run(for: .seconds(300))
    for number in 0..<10 {
      let key = "after \(number)"
      #expect(try network.put(key, "value", at: number % 2 == 0 ? 0 : nodes - 1).stored == 8)
      #expect(network.holders(of: key) == network.replicas(of: key).sorted(), "\(key)")
    }
    #expect(try network.value(of: "left", at: nodes - 1) == "value")
    #expect(try network.value(of: "right", at: 1) == "value")
  }

  @Test("buckets that saw no lookup for 15 minutes and are not well known are refreshed, and no sooner")
  func refresh() {
    var network = SimulatedNetwork.joined(seed: 92, nodes: 20)
    network.run(for: .seconds(10))
    let before = network.hosts.map { $0.node.counters.lookups }
    network.run(for: .seconds(700))
    #expect(network.hosts.map { $0.node.counters.lookups } == before)
    network.run(for: .seconds(700))
    for host in network.hosts {
      let deepest = host.node.table.deepest ?? 0
      #expect(host.node.counters.lookups > before[host.index])
      for bucket in 0...deepest where !host.node.table.isWellKnown(bucket: bucket) {
        let last = host.node.table.lastLookup(inBucket: bucket)
        #expect(network.time.since(last ?? Instant(nanoseconds: 0)) < .seconds(1000))
      }
    }
  }

  @Test("a refresh lets nodes know those that never asked them anything")
  func refreshFinds() {
    var network = SimulatedNetwork.joined(seed: 93, nodes: 30)
    network.run(for: .seconds(2000))
    let known = network.hosts.map { $0.node.table.count }
    #expect(known.allSatisfy { $0 >= 15 })
  }

  @Test("at rest a node sends a few datagrams a minute and wakes no more often than it must")
  func quiet() {
    var network = SimulatedNetwork.joined(seed: 94, nodes: 20)
    network.run(for: .seconds(60))
    let sent = network.datagramsSent
    let events = network.eventsHandled
    network.run(for: .seconds(600))
    // Those are pings of its neighbours, each of which it hears every three minutes.
    #expect(network.datagramsSent - sent < 20 * 10 * 14)
    #expect(network.eventsHandled - events < 20 * 10 * 40)
  }

  @Test("after a wake-up the next deadline is ahead, whatever happened")
  func deadlinesAdvance() throws {
    var network = SimulatedNetwork.joined(seed: 95, nodes: 12) { $0.links.loss = 0.3 }
    network.kill([2, 3, 4])
    for second in 0..<600 {
      if second % 20 == 0 { _ = try network.beginGet("key \(second)", at: 1) }
      network.run(for: .seconds(1))
      for host in network.alive {
        let now = network.now(at: host)
        let next = network.act(at: host) { node, _ in
          node.advance(now)
          return node.nextDeadline
        }
        #expect(next > network.time)
      }
    }
  }

  @Test("a node that was held up for a minute carries on with what is due, once")
  func heldUp() throws {
    var node = Node(
      .start,
      identity: .init(id: .starting(1), endpoints: [.host(0)], families: .v4, tokenSecret: [1]),
      parameters: Parameters(), records: MemoryStore(maxBytes: 1000), random: SplitMix64(seed: 1))
    node.start(.start, hasBootstrap: false)
    for number in UInt32(0)..<20 { _ = try node.ping(.start, .elsewhere(number)) }
    _ = node.takeEffects()
    var now = Now.start
    now.monotonic = now.monotonic + .seconds(60)
    node.advance(now)
    let finished = node.takeEffects().count { if case .finished = $0 { true } else { false } }
    #expect(finished == 20)
    #expect(node.queriesInFlight == 0)
    #expect(node.nextDeadline > now.monotonic)
  }

  @Test("when many nodes stop at once their contacts are all dropped in the end")
  func massDeath() {
    var network = SimulatedNetwork.joined(seed: 96, nodes: 30)
    network.kill(10..<30)
    network.run(for: .seconds(1200))
    for host in 0..<10 {
      let dead = network[host].node.table.contacts.filter { contact in
        !network.alive.contains { network[$0].id == contact.id }
      }
      #expect(dead.isEmpty)
      #expect(network[host].node.table.count == 9)
      #expect(network[host].node.lostContacts.count <= 64)
    }
  }

  @Test("the counters tell what happened")
  func counters() throws {
    var network = SimulatedNetwork.joined(seed: 97, nodes: 10)
    _ = try network.put("key", "value", at: 1)
    _ = try network.get("key", at: 2)
    _ = try network.get("none", at: 2)
    network.run(for: .seconds(6))
    let stored = network.hosts.reduce(0) { $0 + $1.node.counters.recordsStored }
    let atWriter = network.stored("key", at: 1) == nil ? 0 : 1
    #expect(stored == Int64(8 - atWriter))
    #expect(network[1].node.counters.putsOK == 1)
    #expect(network[2].node.counters.getsOK == 1)
    #expect(network[2].node.counters.getsNotFound == 1)
    for host in network.hosts {
      let counters = host.node.counters
      #expect(counters.responsesReceived + counters.queriesFailed == counters.queriesSent)
      // A query that was sent once more may be answered twice.
      #expect(counters.strayAnswers <= counters.queriesResent && counters.errorsReceived == 0)
    }
  }
}
