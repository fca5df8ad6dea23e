import Kademlia
import SeededRandom
import Simulation
import Testing

@Suite("Putting and getting")
struct StoringTests {
  @Test("one node alone is a network")
  func alone() throws {
    var network = SimulatedNetwork.joined(seed: 1, nodes: 1)
    #expect(try network.get("hello", at: 0).isNotFound)
    let put = try network.put("hello", "world", at: 0)
    #expect(put.verdict == .stored)
    #expect(put.stored == 1 && put.replicas == 1 && put.failures.isEmpty)
    #expect(try network.value(of: "hello", at: 0) == "world")
    #expect(try network.delete("hello", at: 0).verdict == .stored)
    #expect(try network.get("hello", at: 0).isNotFound)
    #expect(network.isQuiet)
  }

  @Test("a value is stored at the true 8 closest of 32 nodes and nowhere else", arguments: 0..<4)
  func exactReplicas(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 32)
    for number in 0..<20 {
      let key = "key \(number)"
      let put = try network.put(key, "value", at: number)
      #expect(put.verdict == .stored)
      #expect(put.stored == 8 && put.replicas == 8 && put.failures.isEmpty)
      #expect(network.holders(of: key) == network.replicas(of: key).sorted())
    }
  }

  @Test("in a network of three all three hold it")
  func three() throws {
    var network = SimulatedNetwork.joined(seed: 1, nodes: 3)
    let put = try network.put("hello", "world", at: 1)
    #expect(put.stored == 3 && put.replicas == 3)
    #expect(network.holders(of: "hello") == [0, 1, 2])
  }

  @Test("every key is read at every node")
  func everywhere() throws {
    var network = SimulatedNetwork.joined(seed: 11, nodes: 24)
    for number in 0..<12 { _ = try network.put("key \(number)", "value \(number)", at: number) }
    for host in 0..<24 {
      for number in 0..<12 {
        #expect(try network.value(of: "key \(number)", at: host) == "value \(number)")
      }
      #expect(try network.get("none", at: host).isNotFound)
      #expect(network[host].node.counters.getsOK == 12)
      #expect(network[host].node.counters.getsNotFound == 1)
    }
    network.run(for: .seconds(6))
    #expect(network.isQuiet)
  }

  @Test("the empty value is a value, and no key is too odd")
  func oddities() throws {
    var network = SimulatedNetwork.joined(seed: 11, nodes: 9)
    for key in [" ", "\n", "ключ", String(repeating: "k", count: 900)] {
      #expect(try network.put(key, "", at: 1).verdict == .stored)
      #expect(try network.value(of: key, at: 5) == "")
    }
  }

  @Test("what cannot be stored is refused before anything is sent")
  func refusals() throws {
    var network = SimulatedNetwork.joined(seed: 11, nodes: 3)
    let sent = network[1].node.counters.queriesSent
    #expect(throws: OperationRefusal.emptyKey) { try network.put("", "v", at: 1) }
    #expect(throws: OperationRefusal.emptyKey) { try network.get("", at: 1) }
    #expect(throws: OperationRefusal.tooLarge(size: 1001, limit: 1000)) {
      try network.put("k", String(repeating: "v", count: 1000), at: 1)
    }
    #expect(throws: OperationRefusal.ttlOutOfRange(limit: 2_592_000)) {
      try network.put("k", "v", at: 1, ttl: 0)
    }
    #expect(throws: OperationRefusal.ttlOutOfRange(limit: 2_592_000)) {
      try network.put("k", "v", at: 1, ttl: .max)
    }
    #expect(network[1].node.counters.queriesSent == sent)
  }

  @Test("of many overwrites by many writers the newest is read everywhere")
  func overwrites() throws {
    var network = SimulatedNetwork.joined(seed: 13, nodes: 24)
    var lastSeq: Int64 = 0
    for round in 0..<30 {
      let put = try network.put("key", "value \(round)", at: round * 7 % 24)
      #expect(put.version.seq > lastSeq)
      lastSeq = put.version.seq
      #expect(try network.value(of: "key", at: round * 5 % 24) == "value \(round)")
    }
  }

  @Test("a writer whose clock is behind still writes above what it saw")
  func slowClock() throws {
    var network = SimulatedNetwork.joined(seed: 14, nodes: 12)
    network[3].clockOffset = .seconds(300)
    network[4].clockOffset = .seconds(-300)
    #expect(try network.put("key", "ahead", at: 3).verdict == .stored)
    #expect(try network.put("key", "behind", at: 4).verdict == .stored)
    for host in 0..<12 { #expect(try network.value(of: "key", at: host) == "behind") }
  }

  @Test("a read meets the last confirmed write, though holders missed it", arguments: [0, 1, 3, 9, 11])
  func overlap(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 64) {
      $0.links.delay = .milliseconds(2)...(.milliseconds(120))
    }
    for number in 0..<4 {
      let key = "key \(number)"
      _ = try network.put(key, "old", at: 1)
      // The three closest holders miss the overwrite: five of eight is the smallest majority.
      let missing = Array(network.replicas(of: key).prefix(3))
      for host in missing { network[host].commitMode = .refuse(.full(limit: 0)) }
      let writer = try #require((0..<64).first { !network.replicas(of: key).contains($0) })
      #expect(try network.put(key, "new", at: writer).verdict == .stored)
      // They take no repair either, so that each read stands for itself.
      for reader in stride(from: 0, to: 64, by: 3) {
        #expect(try network.value(of: key, at: reader) == "new", "reader \(reader)")
      }
      for host in missing { network[host].commitMode = .atOnce }
    }
  }

  @Test("what was deleted is not found anywhere, and may be put again")
  func deletion() throws {
    var network = SimulatedNetwork.joined(seed: 15, nodes: 20)
    let put = try network.put("key", "value", at: 1)
    let deleted = try network.delete("key", at: 2)
    #expect(deleted.verdict == .stored && deleted.stored == 8)
    #expect(deleted.version.isTombstone && deleted.version.seq > put.version.seq)
    for host in 0..<20 { #expect(try network.get("key", at: host).isNotFound) }
    #expect(try network.put("key", "again", at: 3).verdict == .stored)
    for host in 0..<20 { #expect(try network.value(of: "key", at: host) == "again") }
  }

  @Test("an expired record is not found, and its bytes are given back")
  func expiry() throws {
    var network = SimulatedNetwork.joined(seed: 16, nodes: 12)
    _ = try network.put("key", "value", at: 1, ttl: 90)
    network.run(for: .seconds(60))
    #expect(try network.value(of: "key", at: 5) == "value")
    network.run(for: .seconds(31))
    #expect(try network.get("key", at: 5).isNotFound)
    network.run(for: .seconds(70))
    #expect(network.hosts.allSatisfy { $0.store.count == 0 && $0.store.payloadBytes == 0 })
  }

  @Test("the lookup that a person asks for tells the K closest and every step")
  func lookup() throws {
    var network = SimulatedNetwork.joined(seed: 17, nodes: 40)
    let target = NodeID.starting(0x12, 0x34)
    let outcome = try network.lookup(target, at: 9)
    let expected = network.closest(to: target, count: 9).filter { $0 != 9 }.prefix(8)
    #expect(outcome.closest.map(\.peer) == expected.map { network[$0].peer })
    #expect(outcome.steps.count >= 8)
    let answered = outcome.steps.filter { $0.outcome == .answered }
    #expect(answered.allSatisfy { $0.roundTrip != nil })
    #expect(outcome.steps.first?.hop == 1)
  }

  @Test("a ping tells the ID and the round trip, or that nobody answered")
  func ping() throws {
    var network = SimulatedNetwork.joined(seed: 18, nodes: 4)
    guard case .answered(let peer, let roundTrip) = try network.ping(.host(2), at: 0) else {
      Issue.record("no answer")
      return
    }
    #expect(peer == network[2].peer)
    #expect((Duration.milliseconds(10)...(.milliseconds(84))).contains(roundTrip))
    guard case .unanswered(_, let after) = try network.ping(.elsewhere(1), at: 0) else {
      Issue.record("an answer from nowhere")
      return
    }
    #expect(after == .seconds(5))
  }

  @Test("after 10,000 operations nothing is left over")
  func nothingGrows() throws {
    var network = SimulatedNetwork.joined(seed: 19, nodes: 10) {
      $0.links.loss = 0.02
      $0.links.duplication = 0.02
    }
    var random = SplitMix64(seed: 19)
    var tickets: [Ticket] = []
    for number in 0..<10_000 {
      let host = Int.random(in: 0..<10, using: &random)
      let key = "key \(Int.random(in: 0..<50, using: &random))"
      switch number % 4 {
      case 0: tickets.append(try network.beginPut(key, "value \(number)", at: host))
      case 1: tickets.append(try network.begin(at: host) { try $0.delete($1, key: Array(key.utf8)) })
      default: tickets.append(try network.beginGet(key, at: host))
      }
      network.run(for: .milliseconds(4))
    }
    network.run(for: .seconds(8))
    #expect(tickets.allSatisfy(network.hasOutcome))
    #expect(network.hosts.allSatisfy { $0.node.pendingOperations == 0 })
    #expect(network.hosts.allSatisfy { $0.node.commitsInProgress == 0 })
    #expect(network.hosts.allSatisfy { $0.node.operationsInProgress == 0 })
    #expect(network.hosts.allSatisfy { $0.node.queriesInFlight < 20 })
    #expect(network.hosts.allSatisfy { $0.store.count <= 50 && $0.store.usage.publications <= 50 })
    #expect(network.hosts.allSatisfy { $0.store.notedExpiries <= 264 })
    var done: Int64 = 0
    for counters in network.hosts.map({ $0.node.counters }) {
      done += counters.putsOK + counters.putsFailed
      done += counters.getsOK + counters.getsNotFound + counters.getsFailed
    }
    #expect(done == 10_000)
  }
}
