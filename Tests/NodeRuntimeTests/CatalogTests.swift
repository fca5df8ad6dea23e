import Foundation
import NodeRuntime
import Testing

@Suite("The catalog of the journal") struct CatalogTests {
  @Test("it explains exactly the existing events, each once")
  func entries() throws {
    let heads = try Self.lines(of: "systemd/dhtd.catalog").filter { $0.hasPrefix("-- ") }
    #expect(heads.map { String($0.dropFirst(3)) }.sorted() == JournalEvent.allCases.map(\.rawValue).sorted())
  }

  @Test("each entry has a subject, a source, and a text below an empty line")
  func form() throws {
    let lines = try Self.lines(of: "systemd/dhtd.catalog")
    let entries = lines.drop { !$0.hasPrefix("-- ") }.split { $0.hasPrefix("-- ") }
    #expect(entries.count == JournalEvent.allCases.count)
    for entry in entries {
      let head = entry.prefix { !$0.isEmpty }
      #expect(head.count { $0.hasPrefix("Subject: ") } == 1, "\(head)")
      #expect(head.contains("Defined-By: dhtd"), "\(head)")
      #expect(entry.dropFirst(head.count).contains { !$0.isEmpty }, "\(head)")
    }
  }

  @Test("dhtd(8) names each event", arguments: JournalEvent.allCases)
  func manual(event: JournalEvent) throws {
    #expect(try Self.lines(of: "packaging/man/dhtd.8").contains(".B \(event.rawValue)"))
  }

  private static func lines(of path: String) throws -> [String] {
    var url = URL(filePath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return try String(contentsOf: url.appending(path: path), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}
