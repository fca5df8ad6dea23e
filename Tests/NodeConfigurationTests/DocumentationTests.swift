import ControlProtocol
import Foundation
import NodeConfiguration
import Testing

@Suite("The documentation") struct DocumentationTests {
  @Test("dhtd.yaml(5) documents exactly the existing keys, in order")
  func manualKeys() throws {
    #expect(try Self.manualEntries().map(\.name) == Setting.all.map(\.name))
  }

  @Test(
    "dhtd.yaml(5) has the default, the range and when a new value counts", arguments: Setting.all.map(\.name))
  func manualEntry(name: String) throws {
    let setting = try #require(Setting.named(name))
    let entry = try #require(try Self.manualEntries().first { $0.name == name }, "no entry")
    let form = (setting.isList ? "a list, each " : "") + setting.form
    let change =
      switch setting.change {
      case .atReload: "at reload"
      case .atStart: "only at start"
      }
    #expect(
      entry.facts == "Default: \(setting.shownDefault); takes \(form); a new value counts \(change).")
  }

  @Test("README.md has a row with the default for each key", arguments: Setting.all.map(\.name))
  func readmeRow(name: String) throws {
    let setting = try #require(Setting.named(name))
    let rows = try Self.readmeTables().joined().filter { $0.first == "`\(name)`" }
    try #require(rows.count == 1, "one row that begins with | `\(name)` | is wanted")
    let value = try #require(rows[0].dropFirst().first)
    // The default path depends on the instance.
    guard setting.isList || !setting.defaults.isEmpty else { return }
    #expect(value.filter { $0 != "`" } == setting.shownDefault)
  }

  @Test("the tables of keys in README.md have no row for a key that does not exist")
  func readmeKeys() throws {
    for table in try Self.readmeTables() {
      let names = table.compactMap(\.first).filter { $0.hasPrefix("`") }.map { $0.filter { $0 != "`" } }
      let unknown = names.filter { Setting.named($0) == nil }
      #expect(unknown.isEmpty, "no such key: \(unknown)")
    }
  }

  @Test("the packaged dhtd.yaml is valid, and sets only the intended keys")
  func packagedFile() throws {
    let loaded = try Self.load(Self.packagedFile)
    #expect(loaded.warnings.isEmpty)
    let set = Setting.all.filter { loaded.origin(of: $0) != .builtIn }
    #expect(set.map(\.name) == ["bind", "bootstrap"])
    #expect(loaded.configuration.bind == [.loopback])
    #expect(loaded.configuration.bootstrap.map(\.description) == ["localhost:8001"])
  }

  @Test("with all its keys enabled, the packaged dhtd.yaml has the defaults")
  func packagedDefaults() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "dhtd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "dhtd.yaml")
    let lines = try Self.lines(of: Self.packagedFile).map(Self.switchedOn)
    try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)

    let loaded = try Self.load(file)
    #expect(loaded.warnings.isEmpty)
    let context = Instance.Context(uid: 0, environment: [:])
    let instance = Instance(port: 8001)
    for setting in Setting.all {
      #expect(loaded.origin(of: setting) != .builtIn, "\(setting.name) is missing")
      let expected =
        switch setting.name {
        case "bootstrap": ["localhost:8001"]
        case "state_dir": [try instance.stateDirectory(context)]
        case "network.keys": ["/etc/dhtd/network.keys"]
        case "network.address": ["192.0.2.1"]
        case "control_socket": [instance.controlSocket(context)]
        default: setting.defaults
        }
      #expect(setting.values(in: loaded.configuration) == expected, "\(setting.name)")
    }
  }

  // MARK: - Files

  private static func url(_ path: String) -> URL {
    var url = URL(filePath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url.appending(path: path)
  }

  private static let packagedFile = url("packaging/dhtd.yaml")

  private static func lines(of url: URL) throws -> [String] {
    try String(contentsOf: url, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  private static func load(_ url: URL) throws -> LoadedConfiguration {
    try ConfigurationSources(
      instance: Instance(port: 8001), file: url.path, environment: [:], options: []
    ).load()
  }

  /// A line of the packaged file without the `#` that switches its key off. Of words for people, a
  /// single blank follows it.
  private static func switchedOn(_ line: String) -> String {
    let rest = line.dropFirst()
    guard line.hasPrefix("#"), let first = rest.drop(while: { $0 == " " }).first, first.isLowercase,
      !rest.hasPrefix(" ") || rest.hasPrefix("  ") && !rest.hasPrefix("   ")
    else { return line }
    return String(rest)
  }

  /// The entries of dhtd.yaml(5): below `.TP` the name of the key in bold, and then one line with
  /// what can be checked.
  private static func manualEntries() throws -> [(name: String, facts: String)] {
    let lines = try lines(of: url("packaging/man/dhtd.yaml.5"))
    let keys = lines.drop { $0 != ".SH KEYS" }.dropFirst().prefix { !$0.hasPrefix(".SH ") }
    return keys.split(separator: ".TP").dropFirst().map { entry in
      let head = entry.prefix(2).map { $0.replacing("\\-", with: "-") }
      let name = head.first ?? ""
      return (name.hasPrefix(".B ") ? String(name.dropFirst(3)) : name, head.dropFirst().first ?? "")
    }
  }

  /// The cells of all tables in README.md in which a key stands first in a row.
  private static func readmeTables() throws -> [[[String]]] {
    try lines(of: url("README.md")).split { !$0.hasPrefix("|") }.map { table in
      table.map { row in
        row.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
          .map { $0.trimmingCharacters(in: .whitespaces) }
      }
    }.filter { table in table.contains { row in Setting.all.contains { row.first == "`\($0.name)`" } } }
  }
}

extension Setting {
  /// The default values.
  fileprivate var defaults: [String] { values(in: Configuration()) }

  /// The default values in the documentation's form.
  fileprivate var shownDefault: String {
    if defaults.isEmpty { return isList ? "none" : "the usual place" }
    return defaults.joined(separator: ", ")
  }
}
