import Kademlia
import SeededRandom
import Simulation

/// A static network of routing tables, and one lookup that is driven through it in virtual time.
struct LookupWorld {
  enum Behaviour {
    case prompt
    /// Answers after this long.
    case slow(Duration)
    case dead
    /// Answers, and tells of this many nodes that do not exist, ever closer to the target.
    case inventive(Int)
    /// Answers and does not keep what is looked for.
    case routing
  }

  private enum Event {
    case answer(Int)
    case late(Int)
    case unresponsive(Int)
    case failed(Int)
  }

  /// The lookup waits for nothing and yet is not finished, or goes on and on.
  struct NeverEnded: Error {}

  static let softTimeout: Duration = .milliseconds(100)
  static let rpcTimeout: Duration = .seconds(5)

  let peers: [Peer]
  var tables: [RoutingTable]
  var behaviours: [Behaviour]
  private let indices: [NodeID: Int]
  private var random: SplitMix64
  private(set) var elapsed: Duration = .zero
  private(set) var mostInFlight = 0
  private(set) var mostCandidates = 0

  /// Nodes that know each other as a network that has been up for a while does.
  init(seed: UInt64, nodes: Int) {
    var random = SplitMix64(seed: seed)
    let peers = randomPeers(nodes, using: &random)
    tables = peers.map { RoutingTable(local: $0.id, parameters: Parameters(), now: .start) }
    for index in tables.indices {
      // A node knows its own neighbourhood whole: that is what joining and refresh are for.
      for peer in peers.shuffled(using: &random) where peer.id != peers[index].id {
        _ = tables[index].answered(.start, peer, roundTrip: nil)
      }
    }
    behaviours = Array(repeating: .prompt, count: nodes)
    indices = Dictionary(uniqueKeysWithValues: peers.enumerated().map { ($1.id, $0) })
    self.peers = peers
    self.random = random
  }

  /// The nodes that answer and keep, closest first.
  func closestUseful(to target: NodeID, count: Int, but local: Int) -> [NodeID] {
    let useful = peers.indices.filter { index in
      if index == local { return false }
      switch behaviours[index] {
      case .prompt, .slow, .inventive: return true
      case .dead, .routing: return false
      }
    }
    let sorted = useful.map { peers[$0].id }.sorted { target.distance(to: $0) < target.distance(to: $1) }
    return Array(sorted.prefix(count))
  }

  /// Runs a lookup to its end, as a node would.
  mutating func run(_ lookup: Lookup, from local: Int) throws -> Lookup {
    var lookup = lookup
    var queue: [(time: Duration, order: Int, event: Event, peer: Peer)] = []
    var planned = 0
    elapsed = .zero
    mostInFlight = 0
    lookup.seed(with: tables[local].closest(to: lookup.target, count: 8))
    for _ in 0..<100_000 {
      while let candidate = lookup.next() {
        let index = indices[candidate.peer.id]
        let delay: Duration?
        switch index.map({ behaviours[$0] }) ?? .dead {
        case .prompt, .inventive, .routing: delay = .milliseconds(Int.random(in: 1...90, using: &random))
        case .slow(let answer): delay = answer
        case .dead: delay = nil
        }
        func plan(_ event: Event, after time: Duration) {
          planned += 1
          queue.append((elapsed + time, planned, event, candidate.peer))
        }
        let number = index ?? -1
        if let delay, delay < Self.rpcTimeout { plan(.answer(number), after: delay) }
        if delay ?? Self.rpcTimeout > Self.softTimeout { plan(.late(number), after: Self.softTimeout) }
        if delay ?? Self.rpcTimeout > Self.softTimeout * 2 {
          plan(.unresponsive(number), after: Self.softTimeout * 2)
        }
        if delay ?? Self.rpcTimeout >= Self.rpcTimeout { plan(.failed(number), after: Self.rpcTimeout) }
      }
      mostInFlight = max(mostInFlight, lookup.candidates.count { $0.state == .waiting })
      mostCandidates = max(mostCandidates, lookup.candidates.count)
      if lookup.isFinished {
        // As a node does: everybody else it knows, before it says that there are no more.
        let others = tables[local].closest(to: lookup.target, count: Lookup.capacity)
        guard !lookup.isFull, lookup.seed(with: others) else { return lookup }
        continue
      }
      guard
        let next = queue.indices.min(by: {
          (queue[$0].time, queue[$0].order) < (queue[$1].time, queue[$1].order)
        })
      else { throw NeverEnded() }
      let (time, _, event, peer) = queue.remove(at: next)
      elapsed = time
      switch event {
      case .answer(let index): answer(&lookup, peer, index)
      case .late: lookup.handleSoftTimeout(peer.id)
      case .unresponsive: lookup.handleSecondTimeout(peer.id)
      case .failed: lookup.failed(peer.id)
      }
    }
    throw NeverEnded()
  }

  private func isDead(_ id: NodeID) -> Bool {
    if let index = indices[id], case .dead = behaviours[index] { true } else { false }
  }

  private mutating func answer(_ lookup: inout Lookup, _ peer: Peer, _ index: Int) {
    var answer: Lookup.Answer? = Lookup.Answer()
    // Proper tables: the K closest that live, and some that nobody has noticed to be dead.
    let unnoticed = tables[index].closest(to: lookup.target, count: 8) { isDead($0.id) }.prefix(4)
    let live = tables[index].closest(to: lookup.target, count: 8) { !isDead($0.id) }
    var told = (live + unnoticed).map(\.peer)
    switch behaviours[index] {
    case .inventive(let count):
      told = (0..<count).map { number in
        let bucket = Int.random(in: 1..<160, using: &random)
        return Peer(
          id: lookup.target.at(.random(inBucket: bucket, using: &random)), endpoint: .host(50_000 + number))
      }
    case .routing: answer = nil
    case .prompt, .slow, .dead: break
    }
    lookup.answered(
      peer.id, answer, nodes: told.map { (peer: $0, isQuestionable: false) }, after: .milliseconds(1))
  }
}

extension Lookup {
  /// A node answered, and told of nodes some of which are doubted.
  mutating func answered(
    _ id: NodeID, _ answer: Answer?, nodes: [(peer: Peer, isQuestionable: Bool)], after roundTrip: Duration
  ) {
    answered(id, answer, nodes: nodes.map(\.peer), after: roundTrip) { peer in
      nodes.first { $0.peer == peer }.map { Lookup.PeerKnowledge(isQuestionable: $0.isQuestionable) }
    }
  }
}
