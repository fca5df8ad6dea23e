import Kademlia
import SeededRandom
import Simulation
import Testing

@testable import dhtsim

@Suite("Adversaries") struct AdversaryTests {
  /// Gets where a fifth of the nodes claims to be whatever is looked for.
  private func report(
    paths: Int, _ change: (inout Scenario) -> Void = { _ in }
  ) throws -> ScenarioReport {
    let yaml = try #require(BuiltInScenarios.named("adversaries"))
    var file = try ScenarioFile(yaml: yaml, name: "adversaries")
    for (key, value) in [
      ("nodes", "200"), ("keys", "60"), ("gets", "300"), ("warm_up", "30s"), ("duration", "1m"),
      ("parameters.sybil.disjoint_paths", "\(paths)"),
    ] { try file.set(key, value) }
    var scenario = try #require(try file.variants.first).scenario
    // Or each node would know all others, and there would be no paths to speak of.
    scenario.parameters.wideBuckets = []
    change(&scenario)
    return scenario.run(seed: 31)
  }

  @Test("the more disjoint paths, the more gets meet an honest holder: 90 % with four, 99 % with eight")
  func disjointPaths() throws {
    let reports = try [1, 2, 4, 8].map { try report(paths: $0) }
    let shares = try reports.map { try #require($0.reachedShare) }
    #expect(reports.allSatisfy { $0.gets.reachable > 200 })
    #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 <= $1 }, "\(shares)")
    #expect(shares[0] < shares[1] - 0.02, "\(shares)")
    #expect(shares[2] >= 0.9 && shares[3] >= 0.99, "\(shares)")
    // Nobody who claims to be a holder gets a reader to believe in a value.
    #expect(reports.allSatisfy { $0.gets.wrong == 0 })
  }

  @Test("puts by disjoint paths reach honest nodes, and few puts by one path do")
  func puts() throws {
    func share(paths: Int, _ behaviour: AdversaryBehaviour) throws -> Double {
      let report = try report(paths: paths) {
        $0.behaviour = behaviour
        $0.adversariesFrom = .beginning
        $0.parameters.largeNetwork = 0
        $0.gets = 0
      }
      return 1 - Double(report.lostKeys) / Double(report.unexpiredKeys)
    }
    #expect(try share(paths: 1, .claim) < 0.5)
    #expect(try share(paths: 4, .claim) >= 0.95)
    #expect(try share(paths: 4, .sparseClaim) >= 0.9)
  }

  @Test("without adversaries, the same gets all find their value")
  func honest() throws {
    var scenario = Scenario()
    scenario.nodes = 150
    scenario.keys = 40
    scenario.gets = 200
    scenario.reading = .disjoint
    scenario.warmUp = .seconds(30)
    scenario.duration = .seconds(60)
    let report = scenario.run(seed: 32)
    #expect(report.gets.ended == 200 && report.gets.failed == 0)
    #expect(report.reachedShare == nil && report.disjointPathBound == nil)
  }
}

@Suite("An eclipse") struct EclipseTests {
  /// The success of the nodes of a subnet that all try to become contacts of a victim, and holders of a key.
  private struct Gain {
    /// Of the victim's contacts, and of the nodes that a lookup of the key finds.
    var contacts: Int
    var share: Double
    var holders: Double
    /// True if a value that is put then is read.
    var isFound: Bool
  }

  private let key = "the key that they want"

  private func gain(_ scope: SubnetLimits.Scope, seed: UInt64) throws -> Gain {
    var configuration = SimulatedNetwork.Configuration()
    configuration.addresses = .publicBlocks
    configuration.parameters.subnetLimits.scope = scope
    var network = SimulatedNetwork(seed: seed, nodes: 0, configuration)
    for _ in 0..<150 { network.addHost(bootstrap: [], isStarted: false) }
    let index = network.index(of: 0..<150)
    for host in 0..<150 { network.startConverged(host, among: index) }
    network.run(for: .seconds(30))
    let victim = 0
    let target = NodeID(sha1Of: Array(key.utf8))
    var random = SplitMix64(seed: 92)
    for number in 0..<200 {
      // One in five is next to the key, and the others are in all places of the victim's table.
      let id =
        number % 5 == 0
        ? target.at(.random(inBucket: 24, using: &random))
        : network[victim].id.at(.random(inBucket: number % 12, using: &random))
      // 203.0.113.1 to 200.
      let endpoint = Endpoint(.v4(0xCB00_7101 + UInt32(number)), port: 8001)
      let sybil = network.addHost(
        id: id, at: endpoint, bootstrap: [network[victim].endpoint, network[number % 150].endpoint],
        startingAfter: .milliseconds(100 * number))
      network[sybil].behaviour = .collude
      network.colluders.insert(id, host: sybil)
    }
    network.run(for: .seconds(240))
    func isSybil(_ peer: Peer) -> Bool { network.host(at: peer.endpoint).map { $0 >= 150 } ?? false }
    func share(_ peers: [Peer]) -> Double { Double(peers.count(where: isSybil)) / Double(peers.count) }
    let contacts = network[victim].node.table.contacts.map(\.peer)
    let found = try network.lookup(target, at: victim).closest.map(\.peer)
    _ = try network.put(key, "value", at: victim)
    let value = try network.value(of: key, at: 77)
    return Gain(
      contacts: contacts.count(where: isSybil), share: share(contacts), holders: share(found),
      isFound: value == "value")
  }

  @Test("200 nodes of a subnet get little of a victim's table and of a key, and all of it without limits")
  func oneBlock() throws {
    let seed: UInt64 = 94
    let (capped, free) = (try gain(.publicAddresses, seed: seed), try gain(.none, seed: seed))
    #expect(capped.contacts <= 10 && capped.share < 0.15)
    #expect(capped.holders <= 0.25)
    #expect(capped.isFound)
    #expect(free.share > 0.5)
    #expect(free.holders == 1)
    #expect(!free.isFound)
  }
}
