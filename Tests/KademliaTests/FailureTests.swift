import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Dead, slow and lossy networks")
struct FailureTests {
  @Test(
    "when half of the nodes are killed, every key with a live holder is read and puts succeed",
    arguments: 70..<72)
  func halfKilled(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 48)
    for number in 0..<15 { _ = try network.put("key \(number)", "value \(number)", at: number) }
    var random = SplitMix64(seed: seed)
    let killed = Array(1..<48).shuffled(using: &random).prefix(24)
    network.kill(killed)
    let survivor = try #require(network.alive.last)
    for number in 0..<15 where !network.holders(of: "key \(number)").isEmpty {
      #expect(try network.value(of: "key \(number)", at: survivor) == "value \(number)", "\(number)")
    }
    for number in 0..<10 {
      let put = try network.put("new \(number)", "value", at: survivor)
      #expect(put.verdict == .stored && put.stored == 8)
      for host in network.alive.prefix(6) {
        #expect(try network.value(of: "new \(number)", at: host) == "value")
      }
    }
    // A while later nobody tells of the dead any more, and lookups are exact again.
    network.run(for: .seconds(700))
    for number in 0..<10 {
      _ = try network.put("later \(number)", "value", at: survivor)
      let key = "later \(number)"
      #expect(network.holders(of: key) == network.replicas(of: key).sorted())
    }
  }

  @Test("a put among dead nodes takes a second or so, not the 5 s of a failed query")
  func quickDespiteDead() throws {
    var network = SimulatedNetwork.joined(seed: 71, nodes: 32)
    let replicas = network.replicas(of: "key")
    let writer = try #require((1..<32).first { !replicas.contains($0) })
    network.kill(replicas.prefix(3))
    let start = network.time
    #expect(try network.put("key", "value", at: writer).verdict == .stored)
    #expect(network.time.since(start) < .seconds(3))
    let again = network.time
    #expect(try network.value(of: "key", at: writer) == "value")
    #expect(network.time.since(again) < .seconds(1))
  }

  @Test("nodes that die between the lookup and the store are replaced by the next closest")
  func diesBeforeStore() throws {
    var network = SimulatedNetwork.joined(seed: 72, nodes: 32)
    let replicas = network.replicas(of: "key")
    let writer = try #require((1..<32).first { !replicas.contains($0) })
    // Deaf to every STORE, though it answers all else.
    let deaf = replicas[2]
    network[deaf].commitMode = .never
    let put = try network.put("key", "value", at: writer)
    #expect(put.verdict == .stored && put.stored == 8 && put.replicas == 8)
    #expect(put.failures.map(\.peer.id) == [network[deaf].id])
    #expect(network.holders(of: "key").count == 8)
  }

  @Test("slow nodes count, and hold nobody up for long")
  func slow() throws {
    var network = SimulatedNetwork.joined(seed: 73, nodes: 32)
    let replicas = network.replicas(of: "key")
    let writer = try #require((1..<32).first { !replicas.contains($0) })
    for host in replicas.prefix(4) { network[host].lag = .milliseconds(300) }
    let put = try network.put("key", "value", at: writer)
    #expect(put.verdict == .stored)
    #expect(try network.value(of: "key", at: writer) == "value")
  }

  @Test("with a fifth of all datagrams lost puts and gets still succeed", arguments: 80..<83)
  func loss(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 40) { $0.links.loss = 0.2 }
    network.run(for: .seconds(60))
    var stored = 0
    var read = 0
    for number in 0..<50 {
      let put = try network.put("key \(number)", "value", at: number % 40)
      if put.verdict == .stored { stored += 1 }
      #expect(put.stored <= network.holders(of: "key \(number)").count, "confirmed and not held")
      if try network.value(of: "key \(number)", at: (number * 7 + 3) % 40) == "value" { read += 1 }
    }
    #expect(stored >= 49)
    #expect(read >= 49)
  }

  @Test("datagrams that come twice and out of order do no harm")
  func duplicates() throws {
    var network = SimulatedNetwork.joined(seed: 84, nodes: 24) {
      $0.links.duplication = 0.5
      $0.links.jitter = .milliseconds(150)
    }
    for number in 0..<20 {
      let put = try network.put("key", "value \(number)", at: number)
      #expect(put.verdict == .stored && put.stored == 8)
      #expect(try network.value(of: "key", at: 23 - number) == "value \(number)")
    }
    #expect(network.hosts.allSatisfy { $0.node.commitsInProgress == 0 })
  }

  @Test("too few answers are unreachable, and that is not the same as not found")
  func unreachable() throws {
    var network = SimulatedNetwork.joined(seed: 85, nodes: 8)
    _ = try network.put("key", "value", at: 1)
    let lone = network.addHost(bootstrap: [.host(0)])
    network.run(for: .seconds(3))
    network.kill(0..<8)
    #expect(try network.get("nowhere", at: lone).isUnreachable)
    #expect(network[lone].node.counters.getsFailed == 1)
  }

  @Test("a dead contact leaves after repeated failures, and a live one that was silent stays")
  func liveness() throws {
    var network = SimulatedNetwork.joined(seed: 86, nodes: 8)
    network.kill(3)
    network.isolate([4])
    _ = try network.ping(.host(3), at: 0)
    _ = try network.lookup(network[3].id, at: 0)
    network.heal()
    #expect(network[0].node.table.contact(network[3].id)?.state == .questionable)
    network.run(for: .seconds(4))
    #expect(network[0].node.table.contact(network[3].id) != nil, "one failure is not enough")
    network.run(for: .seconds(60))
    #expect(network[0].node.table.contact(network[3].id) == nil)
    #expect(network[0].node.table.contact(network[4].id)?.state == .good)
    #expect(network[0].node.lostContacts.map(\.id) == [network[3].id])
    #expect(network[0].notices.contains(.contactLost(network[3].peer)))
  }

  @Test("a dead node leaves every table by itself, though nobody asks for anything")
  func everyTable() {
    var network = SimulatedNetwork.joined(seed: 87, nodes: 10)
    network.kill(4)
    network.run(for: .seconds(600))
    for host in network.alive {
      #expect(network[host].node.table.contact(network[4].id) == nil)
      #expect(network[host].node.table.count == 8)
    }
  }

  @Test("replacements take the places of contacts that died")
  func replacements() {
    var network = SimulatedNetwork.joined(seed: 88, nodes: 80) { $0.parameters.wideBuckets = [] }
    network.run(for: .seconds(60))
    let local = network[0].id
    let first = network[0].node.table.contacts(inBucket: 0).map(\.id)
    #expect(first.count == 8)
    #expect(!network[0].node.table.replacements(inBucket: 0).isEmpty)
    for host in 1..<80 where first.prefix(4).contains(network[host].id) { network.kill(host) }
    network.run(for: .seconds(900))
    let now = network[0].node.table.contacts(inBucket: 0)
    #expect(now.count == 8)
    let living = Set(network.alive.map { network[$0].id })
    #expect(now.allSatisfy { living.contains($0.id) })
    #expect(now.allSatisfy { local.distance(to: $0.id).bucketIndex == 0 })
  }
}
