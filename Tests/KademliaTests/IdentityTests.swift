import Kademlia
import Signatures
import Simulation
import Testing

@Suite("Identities and their proofs")
struct IdentityTests {
  private func network(
    _ seed: UInt64, nodes: Int, _ mode: IdentityMode = .prefer,
    _ configure: (inout SimulatedNetwork.Configuration) -> Void = { _ in }
  ) -> SimulatedNetwork {
    SimulatedNetwork.joined(seed: seed, nodes: nodes) {
      $0.hasIdentities = true
      $0.parameters.identity = mode
      configure(&$0)
    }
  }

  private func proven(_ network: SimulatedNetwork, at host: Int) -> Set<NodeID> {
    Set(network[host].node.table.contacts.filter(\.isProven).map(\.id))
  }

  private func contacts(_ network: SimulatedNetwork, at host: Int) -> Set<NodeID> {
    Set(network[host].node.table.contacts.map(\.id))
  }

  @Test("nodes that meet prove themselves to each other", arguments: [IdentityMode.prefer, .require])
  func proving(_ mode: IdentityMode) throws {
    var network = network(400, nodes: 20, mode)
    network.run(for: .seconds(60))
    for host in 0..<20 {
      #expect(proven(network, at: host) == contacts(network, at: host))
      #expect(contacts(network, at: host).count >= 15)
      #expect(network[host].node.counters.proofsRefused == 0)
    }
    _ = try network.put("key", "value", at: 3)
    #expect(try network.value(of: "key", at: 17) == "value")
  }

  @Test("nobody is asked with off, and whoever asks gets a proof all the same")
  func off() {
    var network = network(401, nodes: 2)
    network.act(at: 0) { node, now in
      var parameters = node.parameters
      parameters.identity = .off
      node.adopt(now, parameters)
    }
    network.restart(1)
    network.run(for: .seconds(30))
    #expect(proven(network, at: 1) == [network[0].id])
  }

  @Test("with prefer a node of another make takes part; with require it is no contact and no holder")
  func foreign() throws {
    for mode in [IdentityMode.prefer, .require] {
      var network = network(402, nodes: 12, mode)
      let stranger = network.addHost(id: .starting(0x77), bootstrap: [SimulatedHost.endpoint(of: 0)])
      network.run(for: .seconds(60))
      // Its ID is not made from its key: what it says of itself proves nothing.
      let knowing = (0..<12).count { contacts(network, at: $0).contains(network[stranger].id) }
      #expect(mode == .prefer ? knowing > 8 : knowing == 0)
      #expect((0..<12).allSatisfy { !proven(network, at: $0).contains(network[stranger].id) })
      for number in 0..<8 { #expect(try network.put("key \(number)", "value", at: 2).verdict == .stored) }
      let held = (0..<8).count { network.stored("key \($0)", at: stranger) != nil }
      #expect(mode == .prefer ? held > 0 : held == 0)
      for number in 0..<8 { #expect(try network.value(of: "key \(number)", at: 5) == "value") }
    }
  }

  @Test("a proof is of the answering node, for the asker, its address and its nonce, and for nothing else")
  func forgeries() throws {
    // What a relay hands on: the proof of another.
    var relayed = network(403, nodes: 3)
    relayed.run(for: .seconds(10))
    let victim = relayed[2].id
    relayed[1].tamper = { message in
      message.changingResponse { response in
        if case .proof(let proof, let seen)? = response.credentials {
          response.sender = victim
          response.credentials = .proof(proof, seen: seen)
        }
      }
    }
    relayed.restart(0, keepingRecords: true)
    relayed[0].bootstrap = [relayed[1].endpoint]
    relayed.run(for: .seconds(20))
    #expect(relayed[0].node.counters.proofsRefused > 0)
    #expect(
      relayed[0].node.table.contact(victim).map { !$0.isProven || $0.endpoint == relayed[2].endpoint } ?? true
    )

    // And the right proof for an address that is not the asker's.
    var elsewhere = network(404, nodes: 2)
    elsewhere[1].tamper = { message in
      message.changingResponse { response in
        if case .proof(let proof, _)? = response.credentials {
          response.credentials = .proof(proof, seen: .elsewhere(3))
        }
      }
    }
    elsewhere.restart(0)
    elsewhere[0].bootstrap = [elsewhere[1].endpoint]
    elsewhere.restart(0)
    elsewhere.run(for: .seconds(20))
    #expect(proven(elsewhere, at: 0).isEmpty)
    #expect(elsewhere[0].node.counters.proofsAccepted == 0)
  }

  @Test("a proven contact takes the place of one that is not, in a full bucket, and is not replaced itself")
  func fullBucket() throws {
    var parameters = Parameters()
    parameters.wideBuckets = []
    var table = RoutingTable(local: .zero, parameters: parameters, now: .start)
    for number in 0..<8 {
      #expect(
        table.answered(
          .start, Peer(id: .starting(0x80, UInt8(number)), endpoint: .host(number)), roundTrip: nil)
          == .added)
    }
    let honest = Peer(id: .starting(0x80, 100), endpoint: .host(100))
    #expect(table.answered(.start, honest, roundTrip: nil, isProven: true) == .added)
    #expect(table.contacts(inBucket: 0).count == 8)
    #expect(table.contact(honest.id)?.isProven == true)
    for number in 101..<108 {
      let peer = Peer(id: .starting(0x80, UInt8(number)), endpoint: .host(number))
      #expect(table.answered(.start, peer, roundTrip: nil, isProven: true) == .added)
    }
    let late = Peer(id: .starting(0x80, 108), endpoint: .host(108))
    guard case .waiting = table.answered(.start, late, roundTrip: nil, isProven: true) else {
      Issue.record("a bucket of proven contacts made room")
      return
    }
  }

  @Test("who has proven its ID keeps its address until somebody else proves the same ID")
  func takeOver() throws {
    var table = RoutingTable(local: .zero, parameters: Parameters(), now: .start)
    let id = NodeID.starting(0x80)
    #expect(
      table.answered(.start, Peer(id: id, endpoint: .host(1)), roundTrip: nil, isProven: true) == .added)
    for _ in 0..<2 { _ = table.failed(.start, id, sentAt: .start) }
    #expect(table.answered(.start, Peer(id: id, endpoint: .host(2)), roundTrip: nil) == .ignored)
    #expect(table.contact(id)?.endpoint == .host(1))
    #expect(
      table.answered(.start, Peer(id: id, endpoint: .host(2)), roundTrip: nil, isProven: true) == .known)
    #expect(table.contact(id)?.endpoint == .host(2))
  }

  @Test("with require the answers of strangers count after their proofs, and lookups find the same nodes")
  func lookups() throws {
    var network = network(405, nodes: 60, .require)
    network.run(for: .seconds(120))
    for number in 0..<10 {
      let target = NodeID(sha1Of: [UInt8(number)])
      let found = try network.lookup(target, at: number * 5).closest.map(\.peer.id)
      let truth = network.closest(to: target, count: 8).map { network[$0].id }
      #expect(Set(found) == Set(truth))
    }
  }

  @Test("the proofs that a node makes for strangers in a second are bounded")
  func rate() {
    var network = network(406, nodes: 1)
    var proofs = 0
    for number in 0..<1000 {
      let query = Query(
        sender: .starting(1, UInt8(number % 256)), method: .ping, nonce: Nonce(high: UInt64(number), low: 1))
      network.act(at: 0) { node, now in
        node.receive(
          now, Message(transaction: ShortBytes(UInt32(number)), body: .query(query)),
          from: .elsewhere(UInt32(number)))
        for effect in node.takeEffects() {
          if case .send(let answer, _) = effect, case .response(let response) = answer.body,
            response.credentials != nil
          {
            proofs += 1
          }
        }
      }
    }
    #expect(proofs == 100)
  }

  @Test("BEP 42: the published examples, and the same ID for the same key")
  func bep42() {
    let examples: [(address: UInt32, random: UInt8, start: UInt64)] = [
      (0x7C1F_4B15, 1, 0x5FBFBF), (0x154B_1F7C, 86, 0x5A3CE9), (0x4117_33AA, 22, 0xA5D432),
      (0x547C_490E, 65, 0x1B0321), (0x2BD5_3553, 90, 0xE56F6C),
    ]
    for example in examples {
      let seed = NodeID(high: 0x0123_4567_89AB_CDEF, middle: 5, low: 0xAABB_CC00 | UInt32(example.random))
      let id = NodeID(bep42For: .v4(example.address), seed: seed)
      #expect(id.high >> 43 == example.start >> 3, "\(id)")
      #expect(UInt8(truncatingIfNeeded: id.low) == example.random)
      #expect(id == NodeID(bep42For: .v4(example.address), seed: seed))
    }
  }
}
