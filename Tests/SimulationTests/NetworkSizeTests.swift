import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("The estimate of a network's size") struct NetworkSizeTests {
  @Test("the median estimate is right, and few are far off", arguments: [50, 200, 1000, 3000])
  func sizes(count: Int) throws {
    var network = SimulatedNetwork(seed: 61, nodes: 0)
    for _ in 0..<count { network.addHost(bootstrap: [], isStarted: false) }
    let index = network.index(of: 0..<count)
    let asked = min(count, 300)
    for host in 0..<asked { network.startConverged(host, among: index) }
    let ratios = (0..<asked).map { Double(network[$0].node.table.networkSize) / Double(count) }
    let samples = Samples(ratios)
    let median = try #require(samples.percentile(0.5))
    #expect((0.8...1.25).contains(median), "the median is \(median) of the true size")
    #expect(ratios.count { (1 / 3.0...3).contains($0) } >= asked * 95 / 100)
  }

  @Test("a node that knows fewer than K others counts them and itself")
  func few() {
    var table = RoutingTable(local: NodeID(high: 0, middle: 0, low: 0), parameters: Parameters(), now: .start)
    #expect(table.networkSize == 1)
    for number in 0..<7 as Range<UInt64> {
      let peer = Peer(id: NodeID(high: 1 << 63 | number, middle: 0, low: 0), endpoint: .host(Int(number)))
      _ = table.answered(.start, peer, roundTrip: nil)
    }
    #expect(table.networkSize == 8)
  }

  @Test("the estimate is finite for any distance")
  func extremes() {
    #expect(NetworkSize.estimate(rank: 8, at: .zero) == 1)
    #expect(NetworkSize.estimate(rank: 8, at: .greatest) == 8)
    #expect(NetworkSize.estimate(rank: 8, at: Distance(high: 0, middle: 1, low: 0)) == 1_000_000_000_000_000)
    #expect(NetworkSize.estimate(rank: 1, at: .greatest) == 1)
    #expect(NetworkSize.estimate(rank: 8, at: Distance(high: 1 << 57, middle: 0, low: 0)) == 896)
  }
}

extension Instant {
  fileprivate static let start = Instant(nanoseconds: 0)
}

extension Endpoint {
  fileprivate static func host(_ number: Int) -> Endpoint { SimulatedHost.endpoint(of: number) }
}
