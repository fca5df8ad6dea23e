import NodeTime
import Signatures
import Simulation
import Testing

@testable import Kademlia

@Suite("Who counts for a key")
struct ElectorateTests {
  private static let target = NodeID(sha1Of: Array("key".utf8))

  /// An ID next to the target.
  private static func beside(_ number: Int) -> NodeID {
    NodeID(high: target.high, middle: target.middle, low: target.low ^ UInt32(number))
  }

  private func network(seed: UInt64, nodes: Int) throws -> SimulatedNetwork {
    SimulatedNetwork.joined(seed: seed, nodes: nodes)
  }

  /// Lets hosts hang: they hear nothing and say nothing, and lose nothing.
  private func hang(_ hosts: some Sequence<Int>, in network: inout SimulatedNetwork) {
    for host in hosts { network[host].side = 1 + host }
  }

  // MARK: - Reads

  @Test("while all holders of a key hang, nobody says that it has no value", arguments: 900..<904)
  func holdersHang(_ seed: UInt64) throws {
    var network = try network(seed: seed, nodes: 13)
    let holders = network.replicas(of: "key")
    #expect(try network.put("key", "value", at: holders[0]).stored == 8)
    hang(holders, in: &network)
    let others = network.alive.filter { !holders.contains($0) }
    #expect(others.count == 5)
    for host in others {
      #expect(try network.get("key", at: host).isUnreachable)
      // Later reads and later times change nothing: most of the network does not answer.
      network.run(for: .seconds(400))
      #expect(try network.get("key", at: host).isUnreachable)
    }
    network.heal()
    network.run(for: .seconds(120))
    for host in others { #expect(try network.get("key", at: host).confirmedText == "value") }
  }

  @Test("nodes that have met by pings alone count for a key", arguments: 910..<916)
  func pinged(_ seed: UInt64) throws {
    var network = try network(seed: seed, nodes: 5)
    network.run(for: .seconds(10))
    for host in network.alive {
      let contacts = Array(network[host].node.table.contacts)
      #expect(contacts.count == 4)
      #expect(contacts.allSatisfy { $0.isMember(network.time, keeping: .plain) })
    }
    // None of them has asked for the key before.
    hang(2..<5, in: &network)
    #expect(try network.get("key", at: 0).isUnreachable)
  }

  @Test("a node that starts while all holders hang does not say that a key has no value")
  func newNode() throws {
    var network = try network(seed: 905, nodes: 13)
    let holders = network.replicas(of: "key")
    _ = try network.put("key", "value", at: holders[0])
    hang(holders, in: &network)
    let others = network.alive.filter { !holders.contains($0) }
    // The others have noticed, and tell of nobody who does not answer.
    network.run(for: .seconds(60))
    let newcomer = network.addHost(bootstrap: [network[others[0]].endpoint])
    network.run(for: .seconds(5))
    #expect(network[newcomer].isJoined)
    #expect(try network.get("key", at: newcomer).isUnreachable)
  }

  @Test("answers of nodes that do not count confirm no version, however many agree")
  func othersAgree() throws {
    var network = try network(seed: 918, nodes: 20)
    let closest = network.closest(to: Self.target, count: 20)
    let holders = Array(closest.prefix(8))
    _ = try network.put("key", "new", at: holders[0])
    // One that is no holder has a version from before.
    let old = Record.plain("key", "old", seq: 1)
    _ = try network[closest[9]].store.apply(.keep(old))
    hang(holders, in: &network)
    network.run(for: .seconds(60))
    let newcomer = network.addHost(bootstrap: [network[closest[12]].endpoint])
    network.run(for: .seconds(5))
    for reader in [newcomer, closest[15]] {
      let outcome = try network.get("key", at: reader)
      #expect(outcome.confirmedText == nil && !outcome.isNotFound, "\(outcome)")
    }
  }

  @Test(
    "a read that lacks votes has the silent nodes pinged, so that the next one counts those that are back")
  func comeBack() throws {
    var network = try network(seed: 919, nodes: 30)
    let closest = network.replicas(of: "key")
    let reader = try #require(network.alive.first { !closest.contains($0) })
    hang(closest.prefix(5), in: &network)
    #expect(try network.get("key", at: reader).isUnreachable)
    network.run(for: .seconds(10))
    network.heal()
    _ = try network.get("key", at: reader)
    network.run(for: .seconds(1))
    #expect(try network.get("key", at: reader).isNotFound)
  }

  @Test("a key without a value is not found as long as half of those that count answer")
  func halfOfThemAnswer() throws {
    var network = try network(seed: 906, nodes: 13)
    let closest = network.replicas(of: "key")
    let reader = try #require(network.alive.first { !closest.contains($0) })
    hang(closest.prefix(4), in: &network)
    #expect(try network.get("key", at: reader).isNotFound)
    hang(closest.prefix(5), in: &network)
    #expect(try network.get("key", at: reader).isUnreachable)
  }

  @Test("a liar that invents lost nodes and closer nodes keeps no key from being not found")
  func inventedHolders() throws {
    var network = try network(seed: 907, nodes: 13)
    let liar = network.replicas(of: "key")[0]
    network[liar].tamper = { message in
      message.changingResponse { response in
        guard response.token != nil else { return }
        response.lost = (0..<8).map { Self.beside(1 + $0) }
        response.nodes += (0..<8).map {
          Peer(id: Self.beside(64 + $0), endpoint: .elsewhere(UInt32($0)))
        }
      }
    }
    let reader = try #require(network.alive.last { $0 != liar })
    #expect(try network.get("key", at: reader).isNotFound)
  }

  @Test("a liar that calls a key expired hides it from nobody")
  func liarHidesNothing() throws {
    var network = try network(seed: 908, nodes: 13)
    let closest = network.replicas(of: "key")
    _ = try network.put("key", "value", at: closest[1])
    let liar = closest[0]
    network[liar].tamper = { message in
      message.changingResponse { response in
        guard let held = response.held else { return }
        response.held = .version(RecordVersion(seq: held.version.seq + 1, expiry: 1))
      }
    }
    for host in network.alive where host != liar {
      #expect(try network.get("key", at: host).confirmedText == "value")
    }
  }

  @Test("of two nodes, one that hangs is missed at once")
  func twoNodes() throws {
    var network = try network(seed: 909, nodes: 2)
    #expect(try network.put("key", "value", at: 0).stored == 2)
    hang([1], in: &network)
    #expect(try network.get("none", at: 0).isUnreachable)
    // What the node holds itself it can read, but not confirm.
    #expect(try network.get("key", at: 0).unconfirmedText == "value")
    let put = try network.put("other", "value", at: 0)
    #expect(put.verdict == .stored && put.isWeak && put.silent == 1 && put.stored == 1)
    let conditional = try network.put("none", "value", at: 0, ifSeq: 0)
    #expect(conditional.verdict == .unreachable(answered: 1, needed: 2))
    #expect(network.stored("none", at: 0) == nil)
  }

  @Test("a network of one says what it holds and what it does not")
  func networkOfOne() throws {
    var network = SimulatedNetwork.joined(seed: 910, nodes: 1)
    #expect(network[0].node.standing == .onlyNode)
    #expect(try network.get("key", at: 0).isNotFound)
    let put = try network.put("key", "value", at: 0, ifSeq: 0)
    #expect(put.verdict == .stored && !put.isWeak && put.silent == 0)
    #expect(try network.get("key", at: 0).confirmedText == "value")
  }

  @Test("the first valid answer ends the get of an immutable record, however many holders hang or are slow")
  func immutable() throws {
    var network = try network(seed: 920, nodes: 20)
    let value = SignedText.bencoded(Array("value".utf8))
    let target = NodeID(sha1Of: value)
    let ticket = try network.begin(at: 0) { node, now throws(OperationRefusal) in
      try node.put(now, immutable: value)
    }
    #expect(try network.putOutcome(of: ticket).stored == 8)
    let holders = network.closest(to: target, count: 8)
    let reader = try #require(network.alive.first { !holders.contains($0) })
    hang(holders[0..<5], in: &network)
    for host in holders[5..<7] { network[host].lag = .seconds(3) }
    let began = network.time
    let get = try network.begin(at: reader) { node, now throws(OperationRefusal) in
      try node.get(now, .immutable(target))
    }
    guard case .get(let outcome) = try network.outcome(of: get) else {
      Issue.record("no outcome of a get")
      return
    }
    // Too few votes for a record that can change, and enough for one that cannot.
    #expect(outcome.confirmedText != nil)
    #expect(network.time.since(began) < .seconds(3))
  }

  // MARK: - Writes

  @Test("with two of four nodes dead a put goes on, says so, and reaches the others when they are back")
  func twoOfFour() throws {
    var network = try network(seed: 911, nodes: 4)
    _ = try network.put("key", "old", at: 0)
    hang([2, 3], in: &network)
    let put = try network.put("key", "new", at: 0)
    #expect(put.verdict == .stored && put.isWeak && put.stored == 2 && put.silent == 2)
    let deletion = try network.delete("other", at: 1)
    #expect(deletion.verdict == .stored && deletion.isWeak)
    network.heal()
    network.run(for: .seconds(120))
    for host in 0..<4 { #expect(try network.get("key", at: host).confirmedText == "new") }
  }

  @Test("a majority of those that count makes a put that is not weak")
  func majority() throws {
    var network = try network(seed: 912, nodes: 4)
    hang([3], in: &network)
    let put = try network.put("key", "value", at: 0)
    #expect(put.verdict == .stored && !put.isWeak && put.stored == 3 && put.silent == 1)
  }

  @Test("a put with if_seq is never weak")
  func conditional() throws {
    var network = try network(seed: 913, nodes: 4)
    let first = try network.put("key", "old", at: 0)
    hang([2, 3], in: &network)
    // Two of four votes can be read, but two confirmations are no majority of four.
    let second = try network.put("key", "new", at: 0, ifSeq: first.version.seq)
    switch second.verdict {
    case .quorumFailed, .unreachable: break
    case .stored, .conflict, .seqExhausted: Issue.record("\(second.verdict)")
    }
  }

  // MARK: - A node that lost the others

  @Test("a node whose contacts have all left its table is alone, and does not speak for the network")
  func alone() throws {
    var network = try network(seed: 914, nodes: 5)
    let first = try network.put("key", "value", at: 1)
    hang([0], in: &network)
    network.run(for: .seconds(1800))
    #expect(network[0].node.table.isEmpty)
    #expect(network[0].node.standing == .alone)
    #expect(try network.get("none", at: 0).isUnreachable)
    #expect(try network.get("key", at: 0).unconfirmedText == "value")
    let conditional = try network.put("none", "value", at: 0, ifSeq: 0)
    #expect(conditional.verdict == .unreachable(answered: 1, needed: 2))
    let weak = try network.put("key", "of the lonely", at: 0)
    #expect(weak.verdict == .stored && weak.isWeak)
    // The others have lost one of five.
    #expect(network[1].node.standing == .connected)
    #expect(try network.get("none", at: 1).isNotFound)
    let other = try network.put("key", "of the others", at: 1, ifSeq: first.version.seq)
    #expect(other.verdict == .stored && !other.isWeak)
    network.heal()
    network.run(for: .seconds(180))
    #expect(network[0].node.standing == .connected)
    #expect(try network.get("none", at: 0).isNotFound)
  }

  @Test("the smaller part of a network is cut off for as long as the partition lasts, up to a day")
  func cutOff() throws {
    var network = try network(seed: 915, nodes: 9)
    let minority = [0, 1, 2, 3]
    network.isolate(minority)
    // At first the contacts that are asked nothing are not known to be silent. A conditional put asks them.
    network.run(for: .seconds(1))
    for host in minority {
      let put = try network.put("first \(host)", "value", at: host, ifSeq: 0)
      #expect(put.verdict != .stored)
    }
    for minutes in [10, 11, 60] {
      network.run(for: .seconds(60 * minutes))
      for host in minority {
        #expect(network[host].node.standing == .cutOff, "\(host), \(minutes)")
        #expect(try network.get("none", at: host).isUnreachable)
        let put = try network.put("key \(host) \(minutes)", "value", at: host, ifSeq: 0)
        #expect(put.stored == 0)
      }
      for host in 4..<9 {
        #expect(network[host].node.standing == .connected)
      }
    }
    #expect(try network.get("none", at: 5).isNotFound)
    network.heal()
    network.run(for: .seconds(180))
    for host in 0..<9 {
      #expect(network[host].node.standing == .connected)
      #expect(try network.get("none", at: host).isNotFound)
    }
  }

  @Test("after a day a node that is left with a few others takes these for the network")
  func afterADay() throws {
    var network = try network(seed: 916, nodes: 5)
    network.kill([2, 3, 4])
    network.run(for: .seconds(3600))
    #expect(network[0].node.standing == .cutOff)
    network.run(for: .seconds(25 * 3600))
    #expect(network[0].node.standing == .connected)
    #expect(try network.get("none", at: 0).isNotFound)
  }

  @Test("a node whose bootstrap names cannot be looked up waits for the join timeout, and is alone")
  func unresolvedNames() throws {
    var network = SimulatedNetwork(seed: 917, nodes: 0)
    let host = network.addHost(bootstrap: [])
    network[host].unresolved = 1
    network.run(for: .milliseconds(500))
    #expect(!network[host].isJoined)
    network.run(for: .seconds(2))
    #expect(network[host].isJoined)
    #expect(network[host].node.standing == .alone)
    #expect(try network.get("key", at: host).isUnreachable)
    #expect(try network.put("key", "value", at: host).isWeak)
  }
}
