import Kademlia
import NodeTime

/// Networks that start in a converged state.
extension SimulatedNetwork {
  /// The hosts among these that can be queried.
  package func index(of hosts: some Sequence<Int>) -> IDIndex {
    IDIndex(
      hosts.lazy.map { self.hosts[$0] }.filter { $0.isReachable }.map { (id: $0.id, host: $0.index) })
  }

  /// Starts a host in the state of a long run among others: each of its buckets has random contacts from all
  /// eligible hosts, and as many replacements.
  ///
  /// A network that has grown by joins is similar: its near buckets hold every eligible host, and its far
  /// buckets are full.
  ///
  /// - Parameters:
  ///   - others: the hosts that can be queried.
  ///   - withReplacements: whether buckets have replacements, too; without them a host takes half the memory.
  package mutating func startConverged(_ host: Int, among others: IDIndex, withReplacements: Bool = true) {
    let k = configuration.parameters.k
    let id = hosts[host].id
    var contacts: [(peer: Peer, roundTrip: Duration, quiet: Duration)] = []
    var range = 0..<others.count
    var depth = 0
    while !range.isEmpty, depth < NodeID.bitWidth {
      let halves = others.halves(range, at: depth, of: id)
      for place in draw(withReplacements ? 2 * k : k, of: halves.other) {
        contacts.append(peerKnowledge(of: host, with: others[place]))
      }
      range = halves.own
      depth += 1
    }
    // In the state of a long run, the host is at a random time between two refreshes of a bucket.
    let age = Duration.nanoseconds(
      Int64(random.unit() * Double(configuration.parameters.refreshInterval.nanoseconds)))
    resume(host, age: age, knowing: contacts)
  }

  private mutating func peerKnowledge(
    of host: Int, with other: Int
  ) -> (peer: Peer, roundTrip: Duration, quiet: Duration) {
    // Each contact is pinged when it has been quiet for as long as it takes to ping all others.
    let quiet = Duration.seconds(Int64(random.unit() * 1800))
    return (hosts[other].peer, expectedRoundTrip(host, other), quiet)
  }

  /// Draws distinct places from a range in no order, all of them if the range is smaller.
  private mutating func draw(_ wanted: Int, of range: Range<Int>) -> [Int] {
    guard range.count > 2 * wanted else { return Array(range.shuffled(using: &random).prefix(wanted)) }
    var drawn: [Int] = []
    while drawn.count < wanted {
      let place = Int.random(in: range, using: &random)
      if !drawn.contains(place) { drawn.append(place) }
    }
    return drawn
  }

  /// The round trip of a query between two hosts, without loss.
  package func expectedRoundTrip(_ one: Int, _ other: Int) -> Duration {
    let (one, other) = (hosts[one], hosts[other])
    let way: Duration
    if let model = configuration.delays {
      way = .nanoseconds(Int64(model.roundTrip(one.place, other.place) * 1e6))
    } else {
      way = links.roundTrip(between: one.index, and: other.index, seed: seed)
    }
    return way + links.jitter + one.lag + other.lag
  }
}
