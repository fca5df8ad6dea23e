import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Replication and republication")
struct ReplicationTests {
  private func network(_ seed: UInt64, nodes: Int = 24) -> SimulatedNetwork {
    SimulatedNetwork.joined(seed: seed, nodes: nodes) { $0.parameters.expiryInterval = .seconds(10) }
  }

  /// Takes a key from some of its holders, as if their disks were new.
  private func lose(_ key: String, at hosts: some Sequence<Int>, _ network: inout SimulatedNetwork) {
    for host in hosts {
      let record = network.stored(key, at: host)
      network[host].store.removeExpired(at: WallTime(seconds: record?.version.expiry ?? 0))
    }
  }

  @Test(
    "a record that most holders have lost is with all K closest again after an interval", arguments: 1..<5)
  func replicate(_ seed: UInt64) throws {
    var network = network(300 + seed)
    _ = try network.put("key", "value", at: 0, ttl: 30 * 86_400)
    // Only a holder can bring it back here.
    let replicas = network.replicas(of: "key")
    lose("key", at: replicas.dropFirst(2), &network)
    #expect(network.holders(of: "key").count == 2)
    network.run(for: .seconds(2 * 3600))
    #expect(Set(network.holders(of: "key")).isSuperset(of: network.replicas(of: "key")))
  }

  @Test("one holder looks after a record in an interval, and the others leave it to that one")
  func oneOfThem() throws {
    var network = network(310)
    for number in 0..<40 { _ = try network.put("key \(number)", "value", at: number % 24) }
    network.run(for: .seconds(4 * 3600))
    var done: Int64 = 0
    var skipped: Int64 = 0
    for host in network.hosts {
      done += host.node.counters.replications + host.node.counters.republications
      skipped += host.node.counters.replicationsSkipped
    }
    // 40 records in 4 hours, by eight holders and a publisher each.
    #expect(done >= 40 * 3)
    #expect(done <= 40 * 8)
    #expect(skipped > done)
    // They had all they should have: nothing was to be sent.
    #expect(network.hosts.allSatisfy { $0.node.counters.replicasSent == 0 })
  }

  @Test("replication moves no expiry, and what has expired is gone everywhere")
  func expiry() throws {
    var network = network(311)
    let outcome = try network.put("key", "value", at: 3, ttl: 5 * 3600)
    network.run(for: .seconds(4 * 3600 + 1800))
    for host in network.holders(of: "key") {
      #expect(network.stored("key", at: host)?.version == outcome.version)
    }
    #expect(try network.value(of: "key", at: 20) == "value")
    network.run(for: .seconds(1800 + 60))
    #expect(network.holders(of: "key").isEmpty)
    #expect(network.hosts.allSatisfy { $0.store.usage.publications == 0 })
    #expect(try network.get("key", at: 20).isNotFound)
  }

  @Test("a newer version that a holder meets becomes its own, and everybody's")
  func newer() throws {
    var network = network(312)
    _ = try network.put("key", "old", at: 1)
    let replicas = network.replicas(of: "key")
    for host in replicas.prefix(3) { network[host].commitMode = .refuse(.full(limit: 0)) }
    _ = try network.put("key", "new", at: 2)
    for host in replicas.prefix(3) { network[host].commitMode = .atOnce }
    network.run(for: .seconds(2 * 3600))
    for host in network.replicas(of: "key") {
      #expect(network.stored("key", at: host).map { String(decoding: $0.value, as: UTF8.self) } == "new")
    }
  }

  @Test("what all holders have lost its publisher brings back, also after it was started again")
  func republish() throws {
    var network = network(313)
    let publisher = try #require((1..<24).first { !network.replicas(of: "key").contains($0) })
    let outcome = try network.put("key", "value", at: publisher)
    #expect(network[publisher].store.usage.publications == 1)
    lose("key", at: network.holders(of: "key"), &network)
    #expect(network.holders(of: "key").isEmpty)
    network.restart(publisher)
    network.run(for: .seconds(2 * 3600 + 600))
    #expect(Set(network.holders(of: "key")) == Set(network.replicas(of: "key")))
    for host in network.holders(of: "key") {
      #expect(network.stored("key", at: host)?.version == outcome.version)
    }
  }

  @Test("a publisher stops when it meets a newer version, and does not bring the older one back")
  func stops() throws {
    var network = network(314)
    _ = try network.put("key", "old", at: 1)
    _ = try network.put("key", "new", at: 2)
    #expect(network[1].store.usage.publications == 1)
    network.run(for: .seconds(2 * 3600 + 600))
    #expect(network[1].store.usage.publications == 0)
    #expect(network[2].store.usage.publications == 1)
    #expect(try network.value(of: "key", at: 9) == "new")
  }

  @Test("a put that no majority confirmed is not published again")
  func unconfirmed() throws {
    var network = network(315)
    for host in network.hosts.indices where host != 5 {
      network[host].commitMode = .refuse(.full(limit: 0))
    }
    #expect(try network.put("key", "value", at: 5).verdict == .quorumFailed)
    network.run(for: .seconds(1))
    #expect(network[5].store.usage.publications == 0)
  }

  @Test("a put is confirmed even where its own node has no room to note it")
  func noRoom() throws {
    var network = network(316)
    let publisher = try #require((1..<24).first { !network.replicas(of: "key").contains($0) })
    network[publisher].commitMode = .refuse(.full(limit: 0))
    #expect(try network.put("key", "value", at: publisher).stored == 8)
    #expect(network[publisher].node.counters.publicationsFailed == 1)
  }

  @Test("a deletion is looked after like a value, and outlives every older copy")
  func deletion() throws {
    var network = network(317)
    _ = try network.put("key", "value", at: 1, ttl: 30 * 86_400)
    let away = network.replicas(of: "key")[0]
    network.kill(away)
    network.run(for: .seconds(120))
    _ = try network.delete("key", at: 2)
    // The node that still has the value comes back while half of those that know better are away.
    let others = network.replicas(of: "key").prefix(4)
    network.kill(others)
    network.run(for: .seconds(120))
    network.restart(away)
    network.run(for: .seconds(3 * 3600))
    for host in others { network.restart(host) }
    network.run(for: .seconds(3 * 3600))
    #expect(network.stored("key", at: away)?.version.isTombstone == true)
    for host in network.alive { #expect(try network.get("key", at: host).isNotFound) }
  }

  @Test("a version that has expired leaves a tombstone while older ones that it hid may live")
  func hidden() throws {
    var network = network(318)
    _ = try network.put("key", "long", at: 1, ttl: 20 * 86_400)
    let away = network.replicas(of: "key").prefix(3)
    network.kill(away)
    network.run(for: .seconds(300))
    _ = try network.put("key", "short", at: 1, ttl: 7200)
    network.run(for: .seconds(7300))
    for host in away { network.restart(host) }
    for _ in 0..<8 {
      network.run(for: .seconds(1800))
      for host in network.alive { #expect(try network.get("key", at: host).isNotFound, "\(host)") }
    }
  }

  @Test(
    "what was stored with few nodes, for no more were known, is with K soon after others have come",
    arguments: [true, false])
  func thin(isHolder: Bool) throws {
    var network = network(320)
    network.isolate([7, 8])
    network.run(for: .seconds(1200))
    // Two that know each other alone.
    let outcome = try network.put("key", "value", at: isHolder ? 7 : 8)
    #expect(outcome.stored <= 2 && outcome.verdict == .stored)
    network.heal()
    network.run(for: .seconds(120))
    #expect(Set(network.holders(of: "key")).isSuperset(of: network.replicas(of: "key")))
  }

  @Test("in a network of fewer than K nodes each newcomer has records looked after once, and not for ever")
  func small() throws {
    var network = network(321, nodes: 3)
    for number in 0..<250 { _ = try network.put("key \(number)", "value", at: number % 3) }
    network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0)])
    network.run(for: .seconds(120))
    let done = network.hosts.map { $0.node.counters.replications }.reduce(0, +)
    #expect(done <= 3 * 250, "\(done)")
    network.run(for: .seconds(600))
    #expect(network.hosts.map { $0.node.counters.replications }.reduce(0, +) <= done + 250)
    for host in 0..<4 { #expect(network[host].store.count == 250) }
  }

  @Test("a put that fails leaves the publication of the value before it")
  func failedOverwrite() throws {
    var network = network(322)
    _ = try network.put("key", "confirmed", at: 5)
    for host in network.hosts.indices where host != 5 {
      network[host].commitMode = .refuse(.full(limit: 0))
    }
    #expect(try network.put("key", "lost", at: 5).verdict == .quorumFailed)
    network.run(for: .seconds(10))
    let published = network[5].store.publications(from: .first, limit: 2)
    #expect(published.map(\.value) == [Array("confirmed".utf8)])
  }

  @Test(
    "a put that a majority has confirmed waits no longer than for a node where its own disk hangs",
    arguments: [true, false])
  func hangingDisk(isHolder: Bool) throws {
    var network = network(323)
    let replicas = network.replicas(of: "key")
    let writer = try #require(network.alive.first { replicas.contains($0) == isHolder })
    network[writer].commitMode = .never
    let began = network.time
    let outcome = try network.put("key", "value", at: writer)
    #expect(outcome.verdict == .stored)
    #expect(network.time.since(began) < .seconds(11))
    #expect(network[writer].node.counters.publicationsFailed == 1)
  }

  @Test("a stranger that stores a record again and again keeps nobody from looking after it")
  func stranger() throws {
    var network = network(324)
    let put = try network.put("key", "value", at: 0)
    let record = Record(plainKey: Array("key".utf8), value: Array("value".utf8), version: put.version)
    let replicas = network.replicas(of: "key")
    for _ in 0..<24 {
      network.run(for: .seconds(300))
      for host in replicas {
        let asked = network.query(.get(target: record.target, kind: .plain, seq: nil), to: host)
        guard case .response(let response)? = asked, let token = response.token else { continue }
        _ = network.query(.put(record, token: token, cas: nil), to: host)
      }
    }
    let done = network.hosts.map { $0.node.counters.replications + $0.node.counters.republications }
    #expect(done.reduce(0, +) >= 1)
  }

  @Test("a deletion outlives a copy that expires later than deletions do here")
  func longLived() throws {
    var network = network(325)
    let host = network.replicas(of: "key")[0]
    let expiry = network.now(at: host).wall.seconds + 30 * 86_400 + 500
    let record = Record(
      plainKey: Array("key".utf8), value: Array("value".utf8),
      version: RecordVersion(seq: network.now(at: host).wall.microseconds, expiry: expiry))
    _ = try network[host].store.apply(.keep(record))
    #expect(try network.delete("key", at: 1).version.expiry >= expiry)
  }

  @Test("a store of very many records is gone through in small steps")
  func bounded() throws {
    var network = SimulatedNetwork.joined(seed: 319, nodes: 10) {
      $0.parameters.replicateInterval = .seconds(100)
      $0.parameters.renewalsPerSecond = 20
      $0.storeLimit = 1 << 30
    }
    for number in 0..<5000 {
      let record = Record.plain(
        "key \(number)", "value", seq: WallTime.epoch.microseconds, expiry: WallTime.epoch.seconds + 86_400)
      _ = try network[3].store.apply(.keep(record))
    }
    let before = network[3].node.counters.lookups
    network.run(for: .seconds(100))
    let lookups = network[3].node.counters.lookups - before
    #expect((1000...2100).contains(lookups), "\(lookups)")
    #expect(network[3].node.queriesInFlight < 200)
  }
}
