import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("The rules of a put")
struct PutRulesTests {
  @Test("if_seq 0 stores where there is nothing, and is a conflict where there is a value")
  func onlyIfAbsent() throws {
    var network = SimulatedNetwork.joined(seed: 31, nodes: 20)
    let first = try network.put("key", "one", at: 1, ifSeq: 0)
    #expect(first.verdict == .stored)
    let second = try network.put("key", "two", at: 2, ifSeq: 0)
    #expect(second.verdict == .conflict(current: first.version.seq))
    #expect(second.stored == 0)
    #expect(try network.value(of: "key", at: 3) == "one")
  }

  @Test("if_seq with the current seq stores, with another it is a conflict")
  func rightAndWrong() throws {
    var network = SimulatedNetwork.joined(seed: 32, nodes: 20)
    let seq = try network.put("key", "one", at: 1).version.seq
    for wrong in [1, seq - 1, seq + 1, .max, .min] {
      #expect(try network.put("key", "no", at: 2, ifSeq: wrong).verdict == .conflict(current: seq))
    }
    let put = try network.put("key", "two", at: 2, ifSeq: seq)
    #expect(put.verdict == .stored && put.stored == 8)
    #expect(try network.value(of: "key", at: 3) == "two")
  }

  @Test("a deleted key is absent for if_seq, also for a holder that missed the deletion")
  func absentAfterDeletion() throws {
    var network = SimulatedNetwork.joined(seed: 33, nodes: 20)
    let old = try network.put("key", "one", at: 1)
    let late = network.replicas(of: "key")[2]
    network[late].commitMode = .refuse(.full(limit: 0))
    let deletion = try network.delete("key", at: 2)
    network[late].commitMode = .atOnce
    #expect(
      try network.put("key", "no", at: 3, ifSeq: old.version.seq).verdict == .conflict(current: 0))
    let put = try network.put("key", "two", at: 3, ifSeq: 0)
    #expect(put.verdict == .stored)
    #expect(put.failures.isEmpty)
    #expect(put.version.seq > deletion.version.seq)
  }

  @Test("of many writers that start from one version at once no more than one has the last word")
  func race() throws {
    var network = SimulatedNetwork.joined(seed: 34, nodes: 24)
    let seq = try network.put("key", "start", at: 0).version.seq
    let tickets = try (0..<12).map { host in
      defer { network.run(for: .milliseconds(15)) }
      return try network.beginPut("key", "from \(host)", at: host, ifSeq: seq)
    }
    let puts = try tickets.map { try network.putOutcome(of: $0) }
    #expect(puts.contains { $0.verdict == .stored })
    #expect(puts.contains { if case .conflict = $0.verdict { true } else { false } })
    // Each is told which seq it would have to know now.
    for case .conflict(let current) in puts.map(\.verdict) { #expect(current ?? 0 > seq) }
    // A conflict leaves nothing behind where nobody would look for it.
    #expect(network.holders(of: "key") == network.replicas(of: "key").sorted())
    // A conflict is unknown and not undone: some holder may have taken what the others refused. The
    // first readers find that, and bring the holders together.
    for host in 0..<24 { _ = try network.value(of: "key", at: host) }
    network.run(for: .seconds(1))
    let values = try (0..<24).map { try network.value(of: "key", at: $0) }
    #expect(Set(values).count == 1)
  }

  /// A network whose holders of "key" get a newer version between the lookup of a put and each of its stores.
  private func contended(seed: UInt64, newer: @escaping (Int64) -> Record?) -> SimulatedNetwork {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 32)
    let stores = network.replicas(of: "key").map { network[$0].store }
    network.observer = { datagram in
      guard let sent = datagram.message.putRecord, let newer = newer(sent.version.seq) else { return }
      for store in stores { _ = try? store.write(newer) }
    }
    return network
  }

  @Test("a put that most holders refuse for a newer version goes out once more, above that version")
  func onceMore() throws {
    // A minute ahead: one holder alone would not be believed.
    let ahead = SimulatedNetwork.joined(seed: 35, nodes: 32).now(at: 0).wall.microseconds + 60_000_000
    var network = contended(seed: 35) { seq in
      seq < ahead ? Record.plain("key", "faster", seq: ahead) : nil
    }
    let writer = try #require((0..<32).first { !network.replicas(of: "key").contains($0) })
    let put = try network.put("key", "last", at: writer)
    #expect(put.verdict == .stored && put.stored == 8 && put.failures.isEmpty)
    #expect(put.version.seq == ahead + 1)
    #expect(try network.value(of: "key", at: 1) == "last")
  }

  @Test("a put that is refused for a newer version twice fails, and spreads to no further nodes")
  func superseded() throws {
    var network = contended(seed: 35) { Record.plain("key", "newer", seq: $0 + 1_000) }
    let holders = network.replicas(of: "key")
    let writer = try #require((0..<32).first { !holders.contains($0) })
    let put = try network.put("key", "older", at: writer)
    network.observer = nil
    #expect(put.verdict == .quorumFailed)
    #expect(put.stored == 0 && put.replicas == 8 && put.failures.count == 8 && put.refused == 8)
    #expect(network.holders(of: "key") == holders.sorted())
    #expect(try network.value(of: "key", at: writer) == "newer")
  }

  @Test("a version from the future is refused by holders and ignored by readers and writers")
  func future() throws {
    var network = SimulatedNetwork.joined(seed: 36, nodes: 16)
    _ = try network.put("key", "honest", at: 1)
    let liar = network.replicas(of: "key")[0]
    let ahead = network.now(at: 0).wall.microseconds + 3_600_000_000
    let lie = Record.plain("key", "lie", seq: ahead)
    let bound = Record.plain("key", "lie", seq: .max, expiry: .max)
    for record in [lie, bound] {
      network[liar].tamper = { $0.changingResponse { if $0.token != nil { $0.held = .record(record) } } }
      for host in 0..<16 where host != liar {
        #expect(try network.value(of: "key", at: host) == "honest")
      }
      let put = try network.put("key", "honest", at: 2)
      #expect(put.verdict == .stored)
      #expect(put.version.seq < ahead)
    }
    // Whoever's clock is that far ahead is told so by everybody.
    network[liar].tamper = nil
    network[5].clockOffset = .seconds(3600)
    let put = try network.put("other", "value", at: 5)
    #expect(put.verdict == .quorumFailed)
    let reasons = Set(put.failures.map(\.reason.description))
    #expect(reasons == ["error 203: seq is ahead of the clock here"])
  }

  @Test("a refused store goes on to the next closest node, and replicas stay what they were")
  func nextClosest() throws {
    var network = SimulatedNetwork.joined(seed: 37, nodes: 32)
    let nearest = network.closest(to: NodeID(sha1Of: Array("key".utf8)), count: 10)
    network[nearest[1]].commitMode = .refuse(.full(limit: 5))
    network[nearest[4]].commitMode = .refuse(.full(limit: 5))
    let put = try network.put("key", "value", at: nearest[9])
    #expect(put.verdict == .stored)
    #expect(put.stored == 8 && put.replicas == 8)
    #expect(Set(put.failures.map(\.peer.id)) == [network[nearest[1]].id, network[nearest[4]].id])
    let areFull = put.failures.map(\.reason.isStorageFull)
    #expect(areFull == [true, true])
    let expected = nearest.indices.filter { $0 != 1 && $0 != 4 }.map { nearest[$0] }
    #expect(network.holders(of: "key") == expected.sorted())
  }

  @Test("when most stores are full the put says quorum_failed, with counts that are true")
  func quorum() throws {
    var network = SimulatedNetwork.joined(seed: 38, nodes: 12)
    for host in 0..<9 { network[host].commitMode = .refuse(.full(limit: 5)) }
    let put = try network.put("key", "value", at: 10)
    #expect(put.verdict == .quorumFailed)
    #expect(put.replicas == 8)
    #expect(put.stored == 3)
    #expect(network.holders(of: "key") == [9, 10, 11])
    #expect(put.failures.count == 9)
    #expect(network[10].node.counters.putsFailed == 1)
    #expect(network[10].node.counters.putsOK == 0)
  }

  @Test("exactly half of the replicas is no majority")
  func half() throws {
    for (full, verdict) in [(2, PutOutcome.Verdict.quorumFailed), (1, .stored)] {
      var network = SimulatedNetwork.joined(seed: 39, nodes: 4)
      for host in 0..<full { network[host].commitMode = .refuse(.full(limit: 5)) }
      let put = try network.put("key", "value", at: 3)
      #expect(put.verdict == verdict)
      #expect(put.stored == 4 - full && put.replicas == 4)
    }
  }

  @Test("a holder that was restarted after the lookup refuses its old token, and is asked for a new one")
  func tokenAfterRestart() throws {
    var network = SimulatedNetwork.joined(seed: 40, nodes: 20)
    let holder = network.replicas(of: "key")[3]
    let writer = try #require((1..<20).first { !network.replicas(of: "key").contains($0) })
    let renewed = Log<Int>()
    let stale = try #require(WriteToken([1, 2, 3]))
    // Until it is asked a second time, the token that the writer gets is of another secret.
    network[holder].tamper = { message in
      guard case .response(let response) = message.body, response.token != nil else { return message }
      renewed.entries.append(1)
      return renewed.entries.count > 1 ? message : message.changingResponse { $0.token = stale }
    }
    let put = try network.put("key", "value", at: writer)
    #expect(put.stored == 8 && put.failures.isEmpty)
    #expect(renewed.entries.count == 2)
    #expect(network.holders(of: "key") == network.replicas(of: "key").sorted())
  }

  @Test("a holder that refuses its fresh token too is not asked for ever")
  func tokenAlwaysBad() throws {
    var network = SimulatedNetwork.joined(seed: 41, nodes: 20)
    let holder = network.replicas(of: "key")[3]
    let writer = try #require((1..<20).first { !network.replicas(of: "key").contains($0) })
    let stale = try #require(WriteToken([1, 2, 3]))
    network[holder].tamper = { $0.changingResponse { if $0.token != nil { $0.token = stale } } }
    let puts = Log<Int>()
    network.observer = { if $0.message.putRecord != nil, $0.destination == holder { puts.entries.append(1) } }
    let put = try network.put("key", "value", at: writer)
    #expect(puts.entries.count == 2)
    #expect(put.stored == 8 && put.failures.map(\.peer.id) == [network[holder].id])
  }

  @Test("a confirmation that does not name the version is none")
  func unnamed() throws {
    var network = SimulatedNetwork.joined(seed: 42, nodes: 8)
    for host in 0..<4 { network[host].tamper = { $0.changingResponse { $0.storedSeq = nil } } }
    let put = try network.put("key", "value", at: 7)
    #expect(put.verdict == .quorumFailed && put.stored == 4)
  }

  @Test("what holders tell of during the stores does not change what was written")
  func lateNews() throws {
    var network = SimulatedNetwork.joined(seed: 43, nodes: 30) { $0.links.jitter = .zero }
    let replicas = network.replicas(of: "key")
    let writer = try #require((1..<30).first { !replicas.contains($0) })
    // One holder answers the lookup when the stores are out and not confirmed yet, and it has a
    // newer version than the others.
    network[replicas[7]].lag = .milliseconds(1500)
    for host in 0..<30 { network[host].commitMode = .after(.seconds(2)) }
    let seq = network.now(at: writer).wall.microseconds + 30_000_000
    try network[replicas[7]].store.write(.plain("key", "newer", seq: seq))
    let put = try network.put("key", "value", at: writer)
    #expect(put.verdict == .stored)
    #expect(put.version.seq < seq)
    let reasons = put.failures.map(\.reason)
    #expect(!reasons.contains(.unnamedVersion))
    #expect(network.stored("key", at: replicas[0])?.version == put.version)
  }

  @Test("a store that hangs delays a put no longer than its query may take")
  func hangingStore() throws {
    var network = SimulatedNetwork.joined(seed: 44, nodes: 20)
    let replicas = network.replicas(of: "key")
    let writer = try #require((1..<20).first { !replicas.contains($0) })
    network[replicas[0]].commitMode = .never
    let start = network.time
    let put = try network.put("key", "value", at: writer)
    #expect(put.verdict == .stored && put.stored == 8)
    let reasons = put.failures.map(\.reason)
    #expect(reasons == [.late])
    #expect(network.time.since(start) < .seconds(4))
  }

  @Test("a group commit delays the answer and nothing else")
  func groupCommit() throws {
    var network = SimulatedNetwork.joined(seed: 45, nodes: 20)
    for host in 0..<20 { network[host].commitMode = .after(.milliseconds(30)) }
    let put = try network.put("key", "value", at: 3)
    #expect(put.stored == 8 && put.failures.isEmpty)
    #expect(try network.value(of: "key", at: 5) == "value")
  }

  @Test("nodes that keep no plain records route, and neither hold nor are counted")
  func routersOnly() throws {
    var network = SimulatedNetwork.joined(seed: 46, nodes: 40)
    let routers = Set(stride(from: 1, to: 40, by: 2))
    for host in routers { network[host].tamper = { $0.changingResponse { $0.keepsPlainRecords = false } } }
    let put = try network.put("key", "value", at: 0)
    #expect(put.stored == 8 && put.replicas == 8)
    #expect(routers.isDisjoint(with: network.holders(of: "key")))
    for host in stride(from: 0, to: 40, by: 4) {
      #expect(try network.value(of: "key", at: host) == "value")
    }
  }

  @Test("a node that gives no token is passed over by writer and reader alike")
  func noToken() throws {
    var network = SimulatedNetwork.joined(seed: 47, nodes: 20)
    let closest = network.replicas(of: "key")[0]
    network[closest].tamper = { $0.changingResponse { $0.token = nil } }
    let put = try network.put("key", "value", at: network.replicas(of: "key")[5])
    #expect(put.stored == 8 && put.failures.isEmpty)
    #expect(network.stored("key", at: closest) == nil)
  }

  @Test(
    "a holder that refuses a store and then tells of a record that is none holds up no put",
    arguments: [RPCError.protocolError, RPCError.casMismatch])
  func forgedExplanation(_ code: Int) throws {
    var network = SimulatedNetwork.joined(seed: 47, nodes: 4)
    let refused = Log<Void>()
    network[2].tamper = { message in
      guard case .response(var response) = message.body else { return message }
      if response.storedSeq != nil {
        refused.entries.append(())
        return Message(transaction: message.transaction, body: .error(RPCError(code, "no")))
      }
      guard response.token != nil, !refused.entries.isEmpty else { return message }
      response.held = .record(.plain("another key", "value", seq: 1))
      return Message(transaction: message.transaction, body: .response(response))
    }
    let outcome = try network.put("key", "value", at: 1, ifSeq: 0)
    #expect(outcome.verdict == .stored && outcome.stored == 3)
    #expect(outcome.failures.map(\.peer.id) == [network[2].id])
    #expect(network[1].node.pendingOperations == 0)
  }
}
