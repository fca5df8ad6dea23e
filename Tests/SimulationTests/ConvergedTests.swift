import Kademlia
import Simulation
import Testing

@Suite("Networks that start in a converged state") struct ConvergedTests {
  private func report(_ beginning: Scenario.Beginning) -> ScenarioReport {
    var scenario = Scenario()
    scenario.nodes = 300
    scenario.beginning = beginning
    scenario.keys = 60
    scenario.lookups = 200
    scenario.gets = 200
    scenario.warmUp = .seconds(300)
    scenario.duration = .seconds(120)
    return scenario.run(seed: 21)
  }

  @Test("lookups and gets perform as in a network that has grown by joins")
  func quality() throws {
    let joined = report(.joins)
    let drawn = report(.converged)
    for report in [joined, drawn] {
      #expect(report.nodesAtEnd == 300)
      #expect(report.gets.failed == 0)
      #expect(Double(report.lookups.exact) / Double(report.lookups.ended) > 0.95)
    }
    func compare(_ name: String, _ tolerance: Double, _ values: (ScenarioReport) -> [Double]) throws {
      let (a, b) = (try #require(Samples(values(joined)).mean), try #require(Samples(values(drawn)).mean))
      #expect(abs(a - b) / a < tolerance, "\(name): \(a) where nodes joined, \(b) where tables were drawn")
    }
    try compare("hops", 0.15) { $0.lookups.hops }
    try compare("queries of a lookup", 0.15) { $0.lookups.queries }
    try compare("queries of a get", 0.15) { $0.gets.queries }
    try compare("contacts", 0.2) { $0.contacts }
  }

  @Test("each query counts for its operation, and maintenance for none")
  func attribution() {
    let report = report(.converged)
    let operations = [report.lookups, report.gets].flatMap(\.queries).reduce(0, +)
    #expect(operations > 200 * 5)
    // No lookup asks fewer than the K nodes that it finds, itself perhaps among them.
    #expect(report.lookups.queries.allSatisfy { $0 >= 7 })
    let upkeep = report.upkeep.reduce(into: [:]) { $0[$1.kind] = $1.cost.queries }
    // Each node pings its stalest contact, and one to find other parts, twice in a minute; the stalest of a
    // full bucket where somebody waits for its place; and its neighbours every three minutes.
    #expect((300 * 3..<300 * 16).contains(upkeep["liveness"] ?? 0))
    #expect((300 * 3..<300 * 6).contains(upkeep["probe"] ?? 0))
    #expect(upkeep["other"] == 0)
  }
}
