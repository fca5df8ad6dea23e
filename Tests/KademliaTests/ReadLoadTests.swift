import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Reads: their load, copies, and who holds what")
struct ReadLoadTests {
  private func steps(_ network: inout SimulatedNetwork, _ key: String, at host: Int) throws -> LookupOutcome?
  {
    let ticket = try network.begin(at: host) { try $0.get($1, key: Array(key.utf8), isTraced: true) }
    guard case .tracedGet(_, let lookup) = try network.outcome(of: ticket) else { return nil }
    return lookup
  }

  @Test("the reads of one hot key are shared by all its holders", arguments: [32, 200])
  func hotKey(_ nodes: Int) throws {
    var network = SimulatedNetwork.joined(seed: 400, nodes: nodes)
    network.run(for: .seconds(1200))
    _ = try network.put("hot", "value", at: 1)
    var asked: [NodeID: Int] = [:]
    var queries = 0
    let reads = 800
    for number in 0..<reads {
      let lookup = try #require(try steps(&network, "hot", at: number % nodes))
      for step in lookup.steps { asked[step.peer.id, default: 0] += 1 }
      queries += lookup.steps.count
    }
    let load = network.replicas(of: "hot").map { asked[network[$0].id] ?? 0 }
    // Each read hears four of eight.
    #expect(load.allSatisfy { $0 < reads * 9 / 10 }, "\(load)")
    #expect(load.allSatisfy { $0 > reads / 10 }, "\(load)")
    #expect(queries <= reads * (nodes > 100 ? 9 : 6), "\(queries)")
  }

  @Test(
    "a read that meets different versions hears all holders, and finds the newest with any of them",
    arguments: 410..<416)
  func disagreement(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 24)
    let old = try network.put("key", "old", at: 1)
    let replicas = network.replicas(of: "key")
    let newer = Record(
      plainKey: Array("key".utf8), value: Array("new".utf8),
      version: RecordVersion(seq: old.version.seq + 1, expiry: old.version.expiry))
    _ = try network[replicas[Int(seed) % 8]].store.apply(.keep(newer))
    _ = try network[replicas[Int(seed + 3) % 8]].store.apply(.keep(newer))
    var found = 0
    for host in 0..<24 where try network.value(of: "key", at: host) == "new" { found += 1 }
    // The first that hears two versions repairs all that it heard.
    #expect(found >= 20)
  }

  @Test("a copy answers those who allow its age, and nobody else")
  func copies() throws {
    var network = SimulatedNetwork.joined(seed: 420, nodes: 24)
    _ = try network.put("key", "old", at: 1)
    let reader = try #require((2..<24).first { !network.replicas(of: "key").contains($0) })
    func get(maxAge: Int64) throws -> GetOutcome? {
      let ticket = try network.begin(at: reader) { try $0.get($1, key: Array("key".utf8), maxAge: maxAge) }
      guard case .get(let outcome) = try network.outcome(of: ticket) else { return nil }
      return outcome
    }
    // There is none yet.
    guard case .found? = try get(maxAge: 60) else {
      Issue.record("not read from the network")
      return
    }
    network.run(for: .seconds(20))
    _ = try network.put("key", "new", at: 1)
    guard case .cached(let copy, let age)? = try get(maxAge: 60) else {
      Issue.record("not answered from the copy")
      return
    }
    #expect(copy.value == Array("old".utf8))
    #expect(age > .seconds(19) && age < .seconds(30))
    #expect(network[reader].node.counters.getsFromCache == 1)
    // Too old for this one, and the default shadows nothing.
    guard case .found(let fresh)? = try get(maxAge: 10) else {
      Issue.record("answered from a copy that is too old")
      return
    }
    #expect(fresh.value == Array("new".utf8))
    // One's own writes count at once.
    _ = try network.put("key", "own", at: reader)
    guard case .found(let own)? = try get(maxAge: 3600) else {
      Issue.record("answered from a copy older than an own write")
      return
    }
    #expect(own.value == Array("own".utf8))
    _ = try network.delete("key", at: reader)
    let gone = try get(maxAge: 3600)
    #expect(gone?.isNotFound == true)
  }

  @Test("a holder that its own read has given the newest version answers the next read from its copy")
  func copyOfRepair() throws {
    var network = SimulatedNetwork.joined(seed: 421, nodes: 2)
    _ = try network.put("key", "value", at: 0)
    network.restart(1, keepingRecords: false)
    network.run(for: .milliseconds(500))
    for isFirst in [true, false] {
      let ticket = try network.begin(at: 1) { try $0.get($1, key: Array("key".utf8), maxAge: 60) }
      switch try network.outcome(of: ticket) {
      case .get(.found) where isFirst, .get(.cached) where !isFirst: break
      case let outcome: Issue.record("\(isFirst ? "first" : "second") read: \(outcome)")
      }
    }
    #expect(network.stored("key", at: 1) != nil)
  }

  @Test("a copy is not answered with after its expiry, and copies have a bound")
  func bound() {
    var copies = FetchedRecords(capacity: 3, maxBytes: 100)
    let first = Record.plain("a", "1", seq: 1, expiry: WallTime.epoch.seconds + 10)
    copies.insert(.start, first)
    #expect(copies.copy(.start, of: first.id, maxAge: 100)?.record == first)
    #expect(copies.copy(.start, of: first.id, maxAge: 0) == nil)
    let later = Now(monotonic: .start + .seconds(10), wall: WallTime(seconds: WallTime.epoch.seconds + 10))
    #expect(copies.copy(later, of: first.id, maxAge: 100) == nil)
    for number in 0..<100 { copies.insert(.start, .plain("key \(number)", "value", seq: 1)) }
    #expect(copies.count == 3)
    #expect(copies.copy(.start, of: first.id, maxAge: 100) == nil)
    copies.insert(.start, .plain("large", String(repeating: "x", count: 90), seq: 1))
    #expect(copies.count == 1 && copies.bytes == 95)
    for _ in 0..<1000 { copies.insert(.start, .plain("same", "value", seq: 1)) }
    #expect(copies.count == 1 && copies.bytes == 9)
    copies.insert(.start, .plain("too large", String(repeating: "x", count: 100), seq: 1))
    #expect(copies.count == 0 && copies.bytes == 0)
  }

  @Test("a lookup of a key tells what each of the nodes that should hold it has")
  func inspect() throws {
    var network = SimulatedNetwork.joined(seed: 430, nodes: 24)
    let put = try network.put("key", "value", at: 1)
    let replicas = network.replicas(of: "key")
    network[replicas[2]].store.removeExpired(at: WallTime(seconds: put.version.expiry))
    let asker = try #require((1..<24).first { !replicas.contains($0) })
    for host in [asker, replicas[5]] {
      let ticket = try network.begin(at: host) { try $0.lookup($1, key: Array("key".utf8)) }
      guard case .lookup(let lookup) = try network.outcome(of: ticket) else {
        Issue.record("no lookup")
        return
      }
      #expect(lookup.closest.map(\.peer.id) == replicas.map { network[$0].id })
      #expect(lookup.closest.map(\.held) == replicas.map { $0 == replicas[2] ? nil : put.version })
    }
    let deleted = try network.delete("key", at: 3)
    let ticket = try network.begin(at: asker) { try $0.lookup($1, key: Array("key".utf8)) }
    guard case .lookup(let lookup) = try network.outcome(of: ticket) else {
      Issue.record("no lookup")
      return
    }
    #expect(lookup.closest.allSatisfy { $0.held == deleted.version })
  }

  @Test("a traced get tells whom it asked and what they hold")
  func traced() throws {
    var network = SimulatedNetwork.joined(seed: 431, nodes: 24)
    let put = try network.put("key", "value", at: 1)
    let asker = try #require((1..<24).first { !network.replicas(of: "key").contains($0) })
    let lookup = try #require(try steps(&network, "key", at: asker))
    #expect(lookup.steps.count { $0.held == put.version } >= 4)
    let nothing = try #require(try steps(&network, "absent", at: asker))
    #expect(nothing.steps.count >= 8 && nothing.steps.allSatisfy { $0.held == nil })
  }
}
