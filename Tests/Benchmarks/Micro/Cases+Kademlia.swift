import Kademlia
import SeededRandom
import Simulation

extension Case {
  /// The closest nodes, and the nodes that have answered.
  static let routingTable = [
    closest("32 contacts", units: 0.34, allocations: 2) { random in
      strangers(32, using: &random)
    },
    closest("300 contacts", units: 0.75, allocations: 2) { random in
      strangers(3000, using: &random)
    },
    closest("every bucket full", units: 0.76, allocations: 2) { random in
      crowd(using: &random)
    },
    Case("RoutingTable: answered by a contact, every bucket full", units: 0.07, allocations: 0) {
      var random = SplitMix64(seed: 2)
      var table = RoutingTable(local: local, meeting: crowd(using: &random))
      let known = table.contacts.map(\.peer).shuffled(using: &random)
      var next = 0
      return { times in
        for _ in 0..<times {
          keep(table.answered(.start, known[next], roundTrip: .milliseconds(1)))
          next = next + 1 < known.count ? next + 1 : 0
        }
      }
    },
  ]

  /// The iterative lookup.
  static let lookup = [
    Case("Lookup: from 8 contacts to the 8 closest of 1,000", units: 10.5, allocations: 12) {
      let world = BenchmarkWorld()
      let seeds = contacts(of: world)
      guard run(world, seeds).isFull else { throw NotAsExpected("the lookup did not find 8 nodes") }
      return { times in
        for _ in 0..<times { keep(run(world, seeds)) }
      }
    },
    Case("Lookup: progress, half way", units: 0.026, allocations: 0) {
      let lookup = halfWay()
      return { times in
        for _ in 0..<times { keep(lookup.progress) }
      }
    },
    Case("Lookup: isFinished, at the end", units: 0.011, allocations: 0) {
      let world = BenchmarkWorld()
      let lookup = run(world, contacts(of: world))
      return { times in
        for _ in 0..<times { keep(lookup.isFinished) }
      }
    },
  ]

  private static let local = NodeID(high: 0x1234_5678_9ABC_DEF0, middle: 1, low: 1)

  private static func strangers(_ count: Int, using random: inout SplitMix64) -> [Peer] {
    (0..<count).map { Peer.random($0, using: &random) }
  }

  /// Enough nodes to fill the widest bucket, for every bucket.
  private static func crowd(using random: inout SplitMix64) -> [Peer] {
    (0..<NodeID.bitWidth).flatMap { bucket in
      (0..<128).map { number in
        Peer(
          id: local.at(.random(inBucket: bucket, using: &random)),
          endpoint: SimulatedHost.endpoint(of: bucket * 128 + number))
      }
    }
  }

  private static func closest(
    _ what: String, units: Double, allocations: Double,
    _ peers: @escaping @Sendable (inout SplitMix64) -> [Peer]
  ) -> Case {
    Case("RoutingTable: 8 closest, \(what)", units: units, allocations: allocations) {
      var random = SplitMix64(seed: 1)
      let table = RoutingTable(local: local, meeting: peers(&random))
      let asker = NodeID(random: &random)
      // So many values that a processor cannot learn the outcome of each comparison.
      let targets = (0..<4096).map { _ in NodeID(random: &random) }
      var next = 0
      return { times in
        for _ in 0..<times {
          keep(
            table.peers(
              closestTo: targets[next], count: 8, for: asker, at: Endpoint(.v4(0x0A00_0001), port: 9), in: .v4
            ))
          next = (next + 1) % targets.count
        }
      }
    }
  }

  private static func contacts(of world: BenchmarkWorld) -> [Contact] {
    RoutingTable(local: world.local, meeting: world.peers.prefix(32))
      .closest(to: world.record.target, count: 8)
  }

  /// A lookup in which each answer comes before the next query goes out, to its end or for so many answers.
  private static func run(_ world: BenchmarkWorld, _ seeds: [Contact], answers: Int = .max) -> Lookup {
    var lookup = Lookup(target: world.record.target, width: 8, alpha: 3, local: world.local)
    lookup.seed(with: seeds)
    var waiting: [Endpoint] = []
    var heard = 0
    while heard < answers {
      while let candidate = lookup.next() { waiting.append(candidate.peer.endpoint) }
      guard !lookup.isFinished, let endpoint = waiting.popLast(), let answer = world.answer(of: endpoint)
      else { break }
      lookup.answered(
        answer.sender, Lookup.Answer(token: answer.token, held: answer.held), nodes: answer.nodes,
        after: .milliseconds(1)
      ) { _ in Lookup.PeerKnowledge() }
      heard += 1
    }
    return lookup
  }

  private static func halfWay() -> Lookup {
    let world = BenchmarkWorld()
    return run(world, contacts(of: world), answers: 5)
  }
}
