import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("The model of the network") struct NetworkModelTests {
  private static func network(_ nodes: Int, _ configure: (SimulatedHost) -> Void = { _ in })
    -> SimulatedNetwork
  {
    var configuration = SimulatedNetwork.Configuration()
    configuration.delays = .plane(DelayPlane())
    var network = SimulatedNetwork(seed: 11, nodes: 0, configuration)
    for _ in 0..<nodes { network.addHost(bootstrap: [], isStarted: false) }
    for host in network.hosts { configure(host) }
    return network
  }

  @Test("half of the round trips are under about 80 ms, and 95 of 100 under about 250 ms")
  func calibration() {
    let network = Self.network(600)
    var trips: [Double] = []
    for one in 0..<600 {
      for other in 0..<one { trips.append(network.expectedRoundTrip(one, other).milliseconds) }
    }
    let samples = Samples(trips)
    #expect((72...88).contains(samples.percentile(0.5) ?? 0), "\(samples.percentile(0.5) ?? 0)")
    #expect((225...275).contains(samples.percentile(0.95) ?? 0), "\(samples.percentile(0.95) ?? 0)")
  }

  @Test("a matrix gives the delays between its machines, and its errors are reported with their lines")
  func matrix() throws {
    let matrix = try DelayMatrix(text: "# of three\n0 10 20\n10 0 30\n20,30,0\n")
    #expect(matrix.size == 3)
    #expect(throws: DelayMatrix.Problem.notSquare(line: 2, values: 1, lines: 2)) {
      try DelayMatrix(text: "0 1\n1\n")
    }
    #expect(throws: DelayMatrix.Problem.notATime(line: 1, word: "x")) { try DelayMatrix(text: "x\n") }
    #expect(throws: DelayMatrix.Problem.empty) { try DelayMatrix(text: "# nothing\n") }
  }

  @Test("a node behind a NAT receives the answers to its queries, and no queries")
  func nat() throws {
    var network = Self.network(12) { $0.isReachable = $0.index != 0 }
    network[0].bootstrap = [network[1].endpoint]
    for host in 1..<12 { network[host].bootstrap = [network[host == 1 ? 2 : 1].endpoint] }
    for host in 0..<12 { network.restart(host) }
    network.run(for: .seconds(30))
    #expect(network[0].node.table.count == 11)
    #expect(network[0].queriesHeard == 0)
    #expect(network.hosts.allSatisfy { $0.node.table.contact(network[0].id) == nil })
    #expect(try network.ping(network[1].endpoint, at: 0).isAnswered)
    #expect(try !network.ping(network[0].endpoint, at: 1).isAnswered)
  }

  @Test("the index of IDs finds the closest as a sort of all does")
  func closest() {
    let network = Self.network(300)
    let index = network.index(of: 0..<300)
    var random = SplitMix64(seed: 5)
    for count in [1, 8, 20, 400] {
      for _ in 0..<30 {
        let target = NodeID(random: &random)
        let sorted = (0..<300).sorted {
          target.distance(to: network[$0].id) < target.distance(to: network[$1].id)
        }
        #expect(index.closest(to: target, count: count) == Array(sorted.prefix(count)))
      }
    }
  }

  @Test("two nodes that are replacements in each other's tables do not ping each other for ever")
  func noStorm() {
    var network = Self.network(400)
    let index = network.index(of: 0..<400)
    // Half-empty replacement lists, as after some replacements have moved up.
    for host in 0..<400 { network.startConverged(host, among: index, withReplacements: false) }
    network.run(for: .seconds(60))
    network.countTraffic()
    network.run(for: .seconds(60))
    let pings = network.traffic?.upkeep[6].queries ?? 0
    #expect(pings < 400 * 20, "\(pings) verifications in a minute")
  }
}

extension PingOutcome {
  fileprivate var isAnswered: Bool {
    if case .answered = self { true } else { false }
  }
}
