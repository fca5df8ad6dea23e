import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("A store under pressure")
struct PressureTests {
  @Test("a nearly full store takes few new keys of one source, says it is busy, and takes its updates")
  func source() throws {
    var network = SimulatedNetwork.joined(seed: 450, nodes: 3) {
      $0.parameters.keysPerSource = 10
      $0.storeLimit = 40 * (MemoryStore.overhead + 10)
    }
    // The hosts are 10.0.0.x, and so no loopback.
    var refused = 0
    for number in 0..<39 {
      let put = try network.put("key \(number)", "v", at: 1)
      refused += put.failures.count { failure in
        if case .refused(let error) = failure.reason { error.code == RPCError.busy } else { false }
      }
    }
    #expect(refused > 0)
    #expect(network[0].store.usage.fullness > 0.8)
    #expect(network[0].node.counters.recordsRefused > 0)
    #expect(try network.put("key 0", "w", at: 1).stored == 3)
  }

  @Test("a crowd of false senders has a node of a fast network send no more than so many pings a second")
  func falseSenders() {
    var network = SimulatedNetwork.joined(seed: 452, nodes: 8) {
      $0.links.delay = .microseconds(90)...(.microseconds(100))
      $0.parameters.verifications = 16
    }
    network.run(for: .seconds(60))
    let before = network[0].node.counters.queriesSent
    var random = SplitMix64(seed: 452)
    for number in 0..<1000 {
      let query = Query(sender: NodeID(random: &random), method: .ping)
      let sender = Endpoint(.v4(0xC000_0200 + UInt32(number)), port: 9)
      network.inject(
        Message(transaction: ShortBytes(UInt32(number)), body: .query(query)), from: sender, to: 0)
      network.run(for: .microseconds(900))
    }
    // In those 0.9 s none of the first has been given up.
    #expect(network[0].node.counters.queriesSent - before <= 16 + 8)
  }

  @Test("what upkeep and users want of a store that hangs does not pile up")
  func hangs() throws {
    var network = SimulatedNetwork.joined(seed: 453, nodes: 2) { $0.parameters.pendingCommits = 16 }
    network[0].commitMode = .never
    // Upkeep alone, at least once a minute.
    network.run(for: .seconds(6 * 3600))
    #expect(network[0].node.commitsInProgress == 16)
    #expect(throws: OperationRefusal.busy(limit: 16)) { try network.beginPut("key", "value", at: 0) }
    #expect(network[0].node.commitsInProgress == 16)
  }

  @Test("when as many changes as may be are under way, further ones are refused as busy and none is lost")
  func busy() throws {
    var network = SimulatedNetwork.joined(seed: 451, nodes: 2) { $0.parameters.pendingCommits = 64 }
    network[0].commitMode = .after(.seconds(1))
    let tickets = try (0..<200).map { try network.beginPut("key \($0)", "value", at: 1) }
    var busy = 0
    for ticket in tickets {
      let outcome = try network.putOutcome(of: ticket)
      busy += outcome.failures.count { failure in
        if case .refused(let error) = failure.reason { error.code == RPCError.busy } else { false }
      }
    }
    #expect(network[0].node.commitsInProgress <= 64)
    network.run(for: .seconds(10))
    #expect(network[0].node.commitsInProgress == 0)
    #expect(busy == 0 || network[0].node.counters.recordsRefused >= Int64(busy))
  }

  @Test("what a full store refuses goes to the next closest node, and nothing that is stored is dropped")
  func movesOn() throws {
    var network = SimulatedNetwork.joined(seed: 452, nodes: 24)
    _ = try network.put("before", "value", at: 1)
    let full = network.replicas(of: "key").prefix(3)
    for host in full { network[host].commitMode = .refuse(.diskFull) }
    let put = try network.put("key", "value", at: 1)
    #expect(put.verdict == .stored && put.stored == 8)
    #expect(put.failures.count == 3)
    #expect(put.failures.allSatisfy { $0.reason.isStorageFull })
    #expect(Set(network.holders(of: "key")).isDisjoint(with: full))
    #expect(try network.value(of: "before", at: 9) == "value")
  }

  @Test("very much that expires at once goes in parts, a second apart")
  func expiry() throws {
    var network = SimulatedNetwork.joined(seed: 453, nodes: 2) { $0.parameters.expiredAtOnce = 100 }
    for number in 0..<1000 {
      _ = try network[0].store.apply(
        .keep(.plain("key \(number)", "value", seq: 1, expiry: WallTime.epoch.seconds + 30)))
    }
    network.run(for: .seconds(60))
    let left = network[0].store.count
    #expect(left > 0 && left < 1000)
    network.run(for: .seconds(20))
    #expect(network[0].store.count == 0)
    #expect(network[0].node.counters.recordsExpired == 1000)
  }
}
