import Kademlia
import NodeTime

/// Networks that have run for long.
extension SimulatedNetwork {
  /// Those of some hosts that others can query.
  package func index(of hosts: some Sequence<Int>) -> IDIndex {
    IDIndex(
      hosts.lazy.map { self.hosts[$0] }.filter { $0.isReachable }.map { (id: $0.id, host: $0.index) })
  }

  /// Starts a host as one that has run for long among others: each of its buckets holds contacts drawn
  /// from all those that belong there, and as many more wait in line.
  ///
  /// A network that has grown by joins knows about as much: its near buckets hold everybody who belongs
  /// there, its far ones are full.
  ///
  /// - Parameters:
  ///   - others: the hosts that can be queried.
  ///   - spares: whether contacts wait in line, too; without them a host takes half the memory.
  package mutating func settleIn(_ host: Int, among others: IDIndex, spares: Bool = true) {
    let k = configuration.parameters.k
    let id = hosts[host].id
    var contacts: [(peer: Peer, roundTrip: Duration, quiet: Duration)] = []
    var range = 0..<others.count
    var depth = 0
    while !range.isEmpty, depth < NodeID.bitWidth {
      let halves = others.halves(range, at: depth, of: id)
      for place in draw(spares ? 2 * k : k, of: halves.other) {
        contacts.append(acquaintance(of: host, with: others[place]))
      }
      range = halves.own
      depth += 1
    }
    // Whoever has run for long is anywhere between two refreshes of a bucket.
    let age = Duration.nanoseconds(
      Int64(random.unit() * Double(configuration.parameters.refreshInterval.nanoseconds)))
    resume(host, age: age, knowing: contacts)
  }

  private mutating func acquaintance(
    of host: Int, with other: Int
  ) -> (peer: Peer, roundTrip: Duration, quiet: Duration) {
    // Each contact is pinged when it has been quiet for as long as it takes to ping all others.
    let quiet = Duration.seconds(Int64(random.unit() * 1800))
    return (hosts[other].peer, expectedRoundTrip(host, other), quiet)
  }

  /// Different places within a range, in no order: as many as are wanted, or all.
  private mutating func draw(_ wanted: Int, of range: Range<Int>) -> [Int] {
    guard range.count > 2 * wanted else { return Array(range.shuffled(using: &random).prefix(wanted)) }
    var drawn: [Int] = []
    while drawn.count < wanted {
      let place = Int.random(in: range, using: &random)
      if !drawn.contains(place) { drawn.append(place) }
    }
    return drawn
  }

  /// How long a query and its answer take between two hosts when neither is lost.
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
