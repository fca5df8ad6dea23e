import Simulation
import Testing

@testable import dhtsim

@Suite("The figure of a scenario") struct FigureTests {
  private func figure(_ yaml: String, title: String) throws -> String {
    let file = try ScenarioFile(yaml: yaml, name: "test.yaml")
    let variants = try file.variants
    return Figure(
      title: title, about: "a < b & \"c\"", file: file, variants: variants,
      reports: variants.map { $0.scenario.run(seed: 9) }
    ).document
  }

  /// The elements that are open at the end of the text, or at an unmatched end tag; nil if it is not XML.
  private func unclosed(_ xml: String) -> [String]? {
    var open: [String] = []
    var rest = Substring(xml)
    while let start = rest.firstIndex(of: "<") {
      guard !rest[..<start].contains(">"), let end = rest[start...].firstIndex(of: ">") else { return nil }
      let tag = rest[rest.index(after: start)..<end]
      guard !tag.contains("<"), tag.count(where: { $0 == "\"" }) % 2 == 0 else { return nil }
      rest = rest[rest.index(after: end)...]
      let name = String(tag.drop { $0 == "/" }.prefix { $0 != " " && $0 != "/" })
      if tag.hasPrefix("?") || tag.hasSuffix("/") { continue }
      if !tag.hasPrefix("/") {
        open.append(name)
      } else if open.popLast() != name {
        return open + [name]
      }
    }
    return open
  }

  private let sizes = """
    keys: 10
    lookups: 20
    gets: 20
    warm_up: 30s
    duration: 30s
    vary:
      nodes: [30, 60]
    """

  @Test("it is well-formed XML, the same for the same seed, and without invalid numbers")
  func wellFormed() throws {
    let first = try figure(sizes, title: "<title>")
    #expect(unclosed(first) == [])
    #expect(first.contains("&lt;title&gt;") && first.contains("a &lt; b &amp; &quot;c&quot;"))
    #expect(!first.contains("nan") && !first.contains("inf"))
    #expect(try figure(sizes, title: "<title>") == first)
  }

  @Test("a scenario that varies the size shows hops and queries against the number of nodes")
  func sizeCharts() throws {
    let svg = try figure(sizes, title: "sizes")
    #expect(svg.contains("Hops to the closest node") && svg.contains("Queries an operation"))
  }

  @Test("the ticks of an axis are round and cover all values")
  func ticks() {
    #expect(Scale.linear(upTo: 100).ticks.map(\.text) == ["0", "25", "50", "75", "100"])
    #expect(Scale.linear(upTo: 0.03).ticks.last.map { $0.value >= 0.03 } == true)
    #expect(Scale.logarithmic([100, 1000, 10_000]).ticks.map(\.text).contains("1,000"))
    #expect(Scale.logarithmic([7]).high >= 7 && Scale.logarithmic([7]).low <= 7)
  }
}
