import Kademlia
import NodeTime
import SeededRandom
import Signatures
import Simulation
import Testing

@Suite("Disjoint paths") struct DisjointPathTests {
  private let target = NodeID.zero

  /// A lookup by so many paths that knows these nodes.
  private func lookup(paths: Int, knowing peers: [Peer], caps: SubnetLimits = .off) -> Lookup {
    var table = RoutingTable(local: .starting(0xFF, 0xFF), parameters: Parameters(), now: .start)
    for peer in peers { _ = table.answered(.start, peer, roundTrip: nil) }
    var lookup = Lookup(target: target, width: 8, alpha: 3, local: table.local, caps: caps)
    lookup.split(into: paths)
    lookup.seed(with: table.closest(to: target, count: 128))
    return lookup
  }

  private func peers(_ first: UInt8, count: Int, at host: Int) -> [Peer] {
    (0..<count).map { Peer(id: .starting(first, UInt8($0)), endpoint: .host(host + $0)) }
  }

  private func told(_ peers: [Peer]) -> [(peer: Peer, isQuestionable: Bool)] { peers.map { ($0, false) } }

  private func next(_ lookup: inout Lookup) throws -> Peer {
    let candidate = lookup.next()
    return try #require(candidate).peer
  }

  @Test(
    "among honest nodes it finds the true K closest, and ends", arguments: [2, 4, 8, 16],
    0..<3 as Range<UInt64>)
  func exact(paths: Int, seed: UInt64) throws {
    var world = LookupWorld(seed: seed, nodes: 300)
    var random = SplitMix64(seed: seed &+ 3000)
    for _ in 0..<5 {
      let target = NodeID(random: &random)
      let start = Int.random(in: 0..<300, using: &random)
      var lookup = Lookup(target: target, width: 8, alpha: 3, local: world.peers[start].id)
      lookup.split(into: paths)
      let done = try world.run(lookup, from: start)
      let expected = world.closestUseful(to: target, count: 8, but: start)
      #expect(done.closest.prefix(8).map(\.peer.id) == expected)
      #expect(world.mostInFlight <= paths)
      #expect(done.queries < 60)
    }
  }

  @Test("with dead and slow nodes it ends before any query has failed for good", arguments: [2, 4, 8])
  func deadAndSlow(paths: Int) throws {
    var world = LookupWorld(seed: 77, nodes: 300)
    var random = SplitMix64(seed: 78)
    for index in 1..<300 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: world.behaviours[index] = .dead
      case 1: world.behaviours[index] = .slow(.milliseconds(150))
      default: break
      }
    }
    for _ in 0..<5 {
      let target = NodeID(random: &random)
      var lookup = Lookup(target: target, width: 8, alpha: 3, local: world.peers[0].id)
      lookup.split(into: paths)
      let done = try world.run(lookup, from: 0)
      let found = Set(done.closest.map(\.peer.id))
      let expected = world.closestUseful(to: target, count: 8, but: 0)
      #expect(found.intersection(expected).count >= 7)
      #expect(world.elapsed < .seconds(5))
    }
  }

  @Test("when every other node is dead it ends, with none")
  func allDead() throws {
    var world = LookupWorld(seed: 1, nodes: 50)
    for index in 1..<50 { world.behaviours[index] = .dead }
    var lookup = Lookup(target: .starting(7), width: 8, alpha: 3, local: world.peers[0].id)
    lookup.split(into: 4)
    #expect(try world.run(lookup, from: 0).closest.isEmpty)
  }

  @Test("each path has one query under way, and no two ask the same node")
  func oneEach() {
    var lookup = lookup(paths: 4, knowing: peers(0x40, count: 8, at: 0))
    var asked: [Peer] = []
    while let candidate = lookup.next() { asked.append(candidate.peer) }
    #expect(Set(asked).count == 4)
    // All four tell of the same nodes: each of these is asked once.
    let near = peers(0x01, count: 8, at: 100)
    while !asked.isEmpty {
      let peer = asked.removeFirst()
      lookup.answered(peer.id, .init(), nodes: told(near), after: .zero)
      while let candidate = lookup.next() { asked.append(candidate.peer) }
    }
    #expect(lookup.isFinished)
    #expect(lookup.queries == 12)
    #expect(lookup.closest.map(\.peer.id) == near.map(\.id))
  }

  @Test("a path that is led astray keeps no other from its end, and takes no place of those found there")
  func oneLiar() throws {
    var lookup = lookup(paths: 4, knowing: peers(0x40, count: 8, at: 0))
    let liar = try next(&lookup)
    var asked: [Peer] = []
    while let candidate = lookup.next() { asked.append(candidate.peer) }
    // Nothing is closer to the target than what the liar makes up, and all of it answers.
    let false8 = (1...8).map {
      Peer(id: NodeID(high: 0, middle: 0, low: UInt32($0)), endpoint: .host(500 + $0))
    }
    lookup.answered(liar.id, .init(), nodes: told(false8), after: .zero)
    let near = peers(0x01, count: 8, at: 100)
    while let candidate = lookup.next() { asked.append(candidate.peer) }
    while !asked.isEmpty {
      let peer = asked.removeFirst()
      let nodes = false8.contains(peer) ? false8 : near
      lookup.answered(peer.id, .init(), nodes: told(nodes), after: .zero)
      while let candidate = lookup.next() { asked.append(candidate.peer) }
    }
    #expect(lookup.isFinished)
    let found = lookup.closest.map(\.peer.id)
    #expect(Set(false8.map(\.id)).isSubset(of: found))
    #expect(found.contains(near[0].id) && found.contains(near[1].id))
    for peer in near { #expect(lookup.candidate(peer.id)?.state == .answered) }
  }

  @Test("what one path is told of takes no room from another, and does not make the lookup large")
  func room() throws {
    var lookup = lookup(paths: 2, knowing: peers(0x40, count: 8, at: 0))
    let liar = try next(&lookup)
    let honest = try next(&lookup)
    lookup.answered(honest.id, .init(), nodes: told(peers(0x10, count: 8, at: 100)), after: .zero)
    var asked = liar
    for round in 0..<60 as Range<UInt8> {
      let made = (0..<20).map { number in
        Peer(id: NodeID(high: 0, middle: 1 << UInt64(60 - round), low: UInt32(number)), endpoint: .host(900))
      }
      lookup.answered(asked.id, .init(), nodes: told(made), after: .zero)
      var next: Peer?
      while let candidate = lookup.next() {
        if candidate.peer.endpoint == .host(900) { next = candidate.peer }
      }
      guard let next else { break }
      asked = next
    }
    for peer in peers(0x10, count: 8, at: 100) { #expect(lookup.candidate(peer.id) != nil) }
    #expect(lookup.candidates.count <= 8 + 8 + 32 + 60)
  }

  @Test("contacts of long standing are named before newer ones that are closer")
  func longestKnown() {
    var table = RoutingTable(local: .starting(0xFF, 0xFF), parameters: Parameters(), now: .start)
    for (second, peer) in peers(0x40, count: 8, at: 0).enumerated() {
      _ = table.answered(.start + .seconds(second), peer, roundTrip: nil)
    }
    for peer in peers(0x00, count: 8, at: 100) {
      _ = table.answered(.start + .seconds(100), peer, roundTrip: nil)
    }
    #expect(
      table.longestKnown(closestTo: target, count: 8).map(\.id) == peers(0x40, count: 8, at: 0).map(\.id))
    let empty = RoutingTable(local: .zero, parameters: Parameters(), now: .start)
    #expect(empty.longestKnown(closestTo: .zero, count: 8).isEmpty)
  }

  // MARK: - In a node

  /// The queries of a put at a node of a network that it takes for a large one, or not.
  private func queriesOfPut(largeNetwork: Int, paths: Int) throws -> (queries: Int64, stored: Int) {
    var network = SimulatedNetwork.joined(seed: 811, nodes: 120) {
      $0.parameters.largeNetwork = largeNetwork
      $0.parameters.disjointPaths = paths
    }
    network.run(for: .seconds(60))
    let before = network[5].node.counters.queriesSent
    let outcome = try network.put("key", "value", at: 5)
    #expect(outcome.verdict == .stored)
    #expect(network.replicas(of: "key").allSatisfy { network.stored("key", at: $0) != nil })
    return (network[5].node.counters.queriesSent - before, outcome.stored)
  }

  @Test("a put takes several paths in a large network, and one in a small one or where that is switched off")
  func puts() throws {
    let one = try queriesOfPut(largeNetwork: 1000, paths: 8)
    let off = try queriesOfPut(largeNetwork: 20, paths: 1)
    let several = try queriesOfPut(largeNetwork: 20, paths: 8)
    #expect(one.queries == off.queries)
    #expect(several.queries > one.queries)
    #expect(one.stored == 8 && several.stored >= 8)
  }

  @Test("a get of a signed record asks all of its holders, by several paths; a plain one does not")
  func signed() throws {
    var network = SimulatedNetwork.joined(seed: 814, nodes: 60)
    let key = try #require(SigningKey(seed: [UInt8](repeating: 3, count: SigningKey.seedByteCount)))
    let put = try network.begin(at: 5) { node, now throws(OperationRefusal) in
      try node.put(now, value: SignedText.bencoded(Array("value".utf8)), salt: [1], signedBy: key)
    }
    #expect(try network.putOutcome(of: put).verdict == .stored)
    _ = try network.put("key", "value", at: 5)
    func holdersAsked(_ name: RecordName) throws -> Int {
      let reader = try #require((0..<60).first { network[$0].store.stored(name.id) == nil })
      let ticket = try network.begin(at: reader) { try $0.get($1, name, isTraced: true) }
      guard case .tracedGet(.found, let way) = try network.outcome(of: ticket) else { return 0 }
      return way.steps.count { $0.held != nil }
    }
    #expect(try holdersAsked(.signed(key.publicKey, salt: [1])) == 8)
    #expect(try holdersAsked(.plain(key: Array("key".utf8))) < 8)
  }

  @Test("a get by several paths finds what is there, says what is not, and asks all holders")
  func gets() throws {
    var network = SimulatedNetwork.joined(seed: 812, nodes: 60)
    _ = try network.put("key", "value", at: 5)
    let reader = try #require((0..<60).first { network.stored("key", at: $0) == nil })
    func get(_ key: String) throws -> GetOutcome? {
      let ticket = try network.begin(at: reader) { node, now in
        try node.get(now, .plain(key: Array(key.utf8)), isTraced: true, isGuarded: true)
      }
      guard case .tracedGet(let outcome, let way) = try network.outcome(of: ticket) else { return nil }
      #expect(way.steps.count { $0.held != nil } == (key == "key" ? 8 : 0))
      return outcome
    }
    guard case .found(let record) = try get("key") else {
      Issue.record("it was not found")
      return
    }
    #expect(record.value == Array("value".utf8))
    #expect(try get("nothing")?.isNotFound == true)
  }
}

@Suite("A lookup and blocks of addresses") struct LookupCapsTests {
  /// A lookup that knows one node, which tells of these.
  private func lookup(told peers: [Peer]) throws -> Lookup {
    var table = RoutingTable(local: .starting(0xFF, 0xFF), parameters: Parameters(), now: .start)
    let first = Peer(id: .starting(0x80), endpoint: .public(1, 1))
    _ = table.answered(.start, first, roundTrip: nil)
    var lookup = Lookup(
      target: .zero, width: 8, alpha: 16, local: table.local, caps: Parameters().subnetLimits)
    lookup.seed(with: Array(table.contacts))
    _ = lookup.next()
    lookup.answered(first.id, .init(), nodes: peers.map { ($0, false) }, after: .zero)
    return lookup
  }

  private func crowd(_ count: Int, block: UInt32 = 9, first: UInt8 = 0) -> [Peer] {
    (0..<count).map { Peer(id: .starting(first, UInt8($0 + 1)), endpoint: .public(block, UInt32($0))) }
  }

  private func askAll(_ lookup: inout Lookup) -> [Peer] {
    var asked: [Peer] = []
    while let candidate = lookup.next() { asked.append(candidate.peer) }
    return asked
  }

  @Test("ten nodes of a block are on the shortlist at most, the closest, and two of them are asked")
  func capped() throws {
    let crowd = crowd(20)
    var lookup = try lookup(told: crowd.reversed())
    let listed = lookup.candidates.map(\.peer).filter { crowd.contains($0) }
    #expect(listed == Array(crowd.prefix(10)))
    let asked = askAll(&lookup)
    #expect(asked == Array(crowd.prefix(2)))
    let none: [(peer: Peer, isQuestionable: Bool)] = []
    for peer in asked { lookup.answered(peer.id, .init(), nodes: none, after: .zero) }
    #expect(askAll(&lookup).isEmpty && lookup.isFinished)
    #expect(lookup.closest.count == 3)
  }

  @Test("those that do not answer make room for others of their block, so that a liar keeps none out")
  func deadOnes() throws {
    // Made up by a liar, in the block of an honest node and closer than it.
    let dead = crowd(9)
    let honest = Peer(id: .starting(0x02), endpoint: .public(9, 200))
    var lookup = try lookup(told: dead + [honest])
    var asked = askAll(&lookup)
    var found = false
    while !asked.isEmpty, !found {
      for peer in asked {
        if peer == honest {
          lookup.answered(peer.id, .init(), nodes: [(peer: Peer, isQuestionable: Bool)](), after: .zero)
          found = true
        } else {
          lookup.handleSoftTimeout(peer.id)
          lookup.handleSecondTimeout(peer.id)
        }
      }
      #expect(lookup.candidates.count { $0.state == .waiting } <= 2)
      asked = askAll(&lookup)
    }
    #expect(found)
    #expect(lookup.closest.contains { $0.peer == honest })
  }

  @Test("nodes that answer when others have taken their place lead on, and are none of the K closest")
  func lateOnes() throws {
    let crowd = crowd(6)
    var lookup = try lookup(told: crowd)
    let first = askAll(&lookup)
    for peer in first {
      lookup.handleSoftTimeout(peer.id)
      lookup.handleSecondTimeout(peer.id)
    }
    let second = askAll(&lookup)
    #expect(first.count == 2 && second.count == 2 && first != second)
    let none: [(peer: Peer, isQuestionable: Bool)] = []
    for peer in second + first { lookup.answered(peer.id, .init(), nodes: none, after: .zero) }
    #expect(lookup.closest.count { crowd.contains($0.peer) } == 2)
    #expect(first.allSatisfy { lookup.candidate($0.id)?.state == .routing })
  }

  @Test("an address and port is asked once in a lookup, under whatever IDs it is named")
  func oneAddress() throws {
    let fake = Peer(id: .starting(0, 1), endpoint: .public(9, 9))
    let real = Peer(id: .starting(0, 2), endpoint: .public(9, 9))
    var lookup = try lookup(told: [fake, real])
    #expect(askAll(&lookup) == [fake])
    #expect(!lookup.isFinished)
    lookup.failed(fake.id)
    #expect(askAll(&lookup) == [])
    // Whoever answers there under its own ID may be asked.
    lookup.verified(real)
    #expect(askAll(&lookup) == [real])
  }

  @Test("a node whose address was asked under another ID is asked once it is named, if it has answered there")
  func namedLater() throws {
    let fake = Peer(id: .starting(0, 1), endpoint: .public(9, 9))
    let real = Peer(id: .starting(0, 2), endpoint: .public(9, 9))
    let other = Peer(id: .starting(0, 3), endpoint: .public(10, 9))
    var lookup = try lookup(told: [fake, other])
    #expect(askAll(&lookup).count == 2)
    lookup.failed(fake.id)
    lookup.verified(real)
    lookup.answered(other.id, .init(), nodes: [(peer: real, isQuestionable: false)], after: .zero)
    #expect(askAll(&lookup) == [real])
  }

  @Test("in private networks nothing is passed over")
  func privateNetwork() throws {
    let crowd = (0..<12).map { Peer(id: .starting(0, UInt8($0 + 1)), endpoint: .host($0)) }
    var lookup = try lookup(told: crowd)
    #expect(askAll(&lookup).count == 8)
    #expect(lookup.candidates.count == 13)
  }
}
