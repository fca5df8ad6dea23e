import ArgumentParser
import Testing

@testable import dhtctl

@Suite("The options of get")
struct GetCommandTests {
  private func get(_ arguments: String...) throws -> GetCommand {
    try #require(try Dhtctl.parseAsRoot(["get"] + arguments) as? GetCommand)
  }

  @Test("without options a get asks the network and shows no steps")
  func defaults() throws {
    let get = try get("k")
    #expect(get.maxAge == 0)
    #expect(get.trace == false)
  }

  @Test(
    "--max-age takes seconds and units, before and after the key",
    arguments: [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200)] as [(String, Int64)])
  func maxAge(_ text: String, _ seconds: Int64) throws {
    #expect(try get("--max-age", text, "k").maxAge == seconds)
    #expect(try get("k", "--max-age=\(text)", "--trace").maxAge == seconds)
    #expect(try get("k", "--trace").trace)
  }

  @Test(
    "an invalid maximum age is refused",
    arguments: ["", "-1", "soon", "1.5", "500ms", "9223372036854775808", "1e3"])
  func refusals(_ text: String) {
    let error = #expect(throws: (any Error).self) { try get("k", "--max-age", text) }
    let complaint = error.map { Dhtctl.message(for: $0) } ?? ""
    #expect(complaint.contains("0 always asks the network"), "\(complaint)")
  }
}
