import Kademlia
import SeededRandom
import Simulation
import Testing

@Suite("The iterative lookup")
struct LookupTests {
  private func lookup(_ target: NodeID, in world: LookupWorld, width: Int = 8) -> Lookup {
    Lookup(target: target, width: width, alpha: 3, local: world.peers[0].id)
  }

  /// The next node to ask; an error if there is none.
  private func next(_ lookup: inout Lookup) throws -> Lookup.Candidate {
    let candidate = lookup.next()
    return try #require(candidate)
  }

  @Test("it finds the true K closest, wherever it starts and whatever it looks for", arguments: 0..<6)
  func exact(_ seed: UInt64) throws {
    var world = LookupWorld(seed: seed, nodes: 300)
    var random = SplitMix64(seed: seed &+ 1000)
    for _ in 0..<10 {
      let target = NodeID(random: &random)
      let start = Int.random(in: 0..<300, using: &random)
      let lookup = Lookup(target: target, width: 8, alpha: 3, local: world.peers[start].id)
      let done = try world.run(lookup, from: start)
      #expect(
        done.closest.map(\.peer.id) == world.closestUseful(to: target, count: 8, but: start))
      #expect(world.mostInFlight <= 6)
      #expect(done.queries < 40)
    }
  }

  @Test("with a third of the nodes dead or slow it finds the K closest live ones", arguments: 0..<6)
  func deadAndSlow(_ seed: UInt64) throws {
    var world = LookupWorld(seed: seed, nodes: 300)
    var random = SplitMix64(seed: seed &+ 2000)
    for index in 1..<300 {
      switch Int.random(in: 0..<6, using: &random) {
      case 0: world.behaviours[index] = .dead
      case 1: world.behaviours[index] = .slow(.milliseconds(150))
      default: break
      }
    }
    for _ in 0..<10 {
      let target = NodeID(random: &random)
      let done = try world.run(lookup(target, in: world), from: 0)
      let expected = world.closestUseful(to: target, count: 8, but: 0)
      #expect(done.closest.map(\.peer.id) == expected)
      #expect(world.mostInFlight <= 6)
      #expect(world.elapsed < .seconds(5), "it waited for a dead node to fail for good")
    }
  }

  @Test("when every other node is dead it ends, with none")
  func allDead() throws {
    var world = LookupWorld(seed: 1, nodes: 50)
    for index in 1..<50 { world.behaviours[index] = .dead }
    let done = try world.run(lookup(.starting(7), in: world), from: 0)
    #expect(done.closest.isEmpty)
    // Three at a time, and each one's place is given to another after the soft timeout.
    #expect(world.elapsed <= LookupWorld.softTimeout * 22)
  }

  @Test("one dead node does not hold the others up")
  func oneDead() throws {
    var world = LookupWorld(seed: 3, nodes: 200)
    let target = NodeID.starting(0x33)
    let closest = world.closestUseful(to: target, count: 1, but: 0)
    let victim = try #require(world.peers.firstIndex { $0.id == closest.first })
    world.behaviours[victim] = .dead
    let done = try world.run(lookup(target, in: world), from: 0)
    #expect(done.closest.map(\.peer.id) == world.closestUseful(to: target, count: 8, but: 0))
    #expect(world.elapsed < .milliseconds(700))
  }

  @Test("nodes that only route lead on and do not count", arguments: 0..<4)
  func routing(_ seed: UInt64) throws {
    var world = LookupWorld(seed: seed, nodes: 200)
    for index in stride(from: 1, to: 200, by: 2) { world.behaviours[index] = .routing }
    let target = NodeID.starting(UInt8(seed), 0x55)
    let done = try world.run(lookup(target, in: world), from: 0)
    let found = done.closest.map(\.peer.id)
    // Each tells of eight, and half of them only route: not all of the closest need be told of.
    #expect(found.count == 8)
    #expect(Array(found.prefix(2)) == world.closestUseful(to: target, count: 2, but: 0))
    let keepers = Set(world.closestUseful(to: target, count: 200, but: 0))
    #expect(keepers.isSuperset(of: found))
  }

  @Test("nodes that each tell of 20 made-up ones neither keep it from ending nor make it large")
  func inventive() throws {
    var world = LookupWorld(seed: 4, nodes: 100)
    for index in stride(from: 1, to: 100, by: 2) { world.behaviours[index] = .inventive(20) }
    let target = NodeID.starting(0x77)
    let done = try world.run(lookup(target, in: world), from: 0)
    #expect(world.mostCandidates <= Lookup.capacity)
    #expect(done.queries <= Lookup.capacity * 2)
    #expect(world.mostInFlight <= 6)
  }

  @Test("one answer adds no more than 20 nodes")
  func oneAnswer() throws {
    var world = LookupWorld(seed: 4, nodes: 20)
    for index in 1..<20 { world.behaviours[index] = .inventive(500) }
    var lookup = lookup(.starting(1), in: world)
    lookup.seed(with: Array(world.tables[0].closest(to: .starting(1), count: 1)))
    let first = try next(&lookup)
    var random = SplitMix64(seed: 9)
    let told = randomPeers(500, using: &random).map { (peer: $0, isQuestionable: false) }
    lookup.answered(first.peer.id, .init(), nodes: told, after: .zero)
    #expect(lookup.candidates.count == 21)
  }

  @Test("a full shortlist still lets closer nodes in, whoever stands at its end")
  func fullShortlist() throws {
    let target = NodeID.zero
    var table = RoutingTable(local: .starting(0xAA), parameters: Parameters(), now: .start)
    let far = Peer(id: .starting(0xFF), endpoint: .host(1))
    _ = table.answered(.start, far, roundTrip: nil)
    var lookup = Lookup(target: target, width: 200, alpha: 3, local: .starting(0xAA))
    lookup.seed(with: Array(table.contacts))
    var asked = try next(&lookup)
    // The furthest node was asked, and it and others fill the list with what does not exist.
    for answer in 0..<10 {
      let invented = (0..<20).map { number in
        let id = NodeID.starting(0x80 - UInt8(answer) * 4, UInt8(number))
        return (peer: Peer(id: id, endpoint: .host(100 + 20 * answer + number)), isQuestionable: false)
      }
      lookup.answered(asked.peer.id, .init(), nodes: invented, after: .zero)
      guard let another = lookup.next() else { break }
      asked = another
    }
    #expect(lookup.candidates.count == Lookup.capacity)
    let near = Peer(id: .starting(0, 1), endpoint: .host(2))
    lookup.answered(asked.peer.id, .init(), nodes: [(peer: near, isQuestionable: false)], after: .zero)
    #expect(lookup.candidate(near.id) != nil)
    #expect(lookup.candidates.count == Lookup.capacity)
  }

  @Test("an answer counts after the soft timeout, and after the second")
  func lateAnswers() throws {
    let world = LookupWorld(seed: 6, nodes: 40)
    let target = NodeID.starting(0x11)
    var lookup = lookup(target, in: world)
    lookup.seed(with: world.tables[0].closest(to: target, count: 8))
    let first = try next(&lookup).peer.id
    let second = try next(&lookup).peer.id
    _ = try next(&lookup)
    let aboveAlpha = lookup.next()
    #expect(aboveAlpha == nil)
    lookup.handleSoftTimeout(first)
    _ = try next(&lookup)
    let another = lookup.next()
    #expect(another == nil, "only the place of the late node is given to another")
    lookup.handleSoftTimeout(second)
    lookup.handleSecondTimeout(second)
    #expect(lookup.candidate(second)?.state == .unresponsive)
    let none: [(peer: Peer, isQuestionable: Bool)] = []
    lookup.answered(first, .init(), nodes: none, after: .seconds(1))
    lookup.answered(second, .init(), nodes: none, after: .seconds(4))
    #expect(lookup.closest.map(\.peer.id).contains(first))
    #expect(lookup.closest.map(\.peer.id).contains(second))
  }

  @Test("events for nodes that it does not know change nothing")
  func strangers() throws {
    let world = LookupWorld(seed: 6, nodes: 20)
    var lookup = lookup(.starting(0x11), in: world)
    lookup.seed(with: world.tables[0].closest(to: .starting(0x11), count: 8))
    _ = lookup.next()
    let before = lookup.candidates
    let stranger = NodeID.starting(1, 2, 3)
    lookup.handleSoftTimeout(stranger)
    lookup.handleSecondTimeout(stranger)
    lookup.failed(stranger)
    let told = [(peer: Peer(id: .starting(9), endpoint: .host(9)), isQuestionable: false)]
    lookup.answered(stranger, .init(), nodes: told, after: .zero)
    #expect(lookup.candidates == before)
  }

  @Test("it never asks its own node, even if others tell of it")
  func itself() throws {
    var world = LookupWorld(seed: 8, nodes: 30)
    let done = try world.run(lookup(world.peers[0].id, in: world), from: 0)
    #expect(!done.candidates.contains { $0.peer.id == world.peers[0].id })
  }

  @Test("a node wanted in another's place is the next closest")
  func widened() throws {
    var world = LookupWorld(seed: 9, nodes: 200)
    let target = NodeID.starting(0x42)
    var done = try world.run(lookup(target, in: world), from: 0)
    done.widen()
    let wider = try world.run(done, from: 0)
    #expect(wider.closest.map(\.peer.id) == world.closestUseful(to: target, count: 9, but: 0))
  }
}
