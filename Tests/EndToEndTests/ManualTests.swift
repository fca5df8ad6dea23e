import Foundation
import Testing

extension EndToEnd {
  @Suite("The manual pages and the help of the programs") struct ManualTests {
    @Test("dhtd(8) has each option of dhtd, and no other")
    func dhtd() throws {
      try withNetwork { network in
        let help = try network.dhtd("--help")
        #expect(help.status == 0)
        let page = try ManualPage("dhtd.8")
        #expect(Set(page.options(under: "OPTIONS")).symmetricDifference(options(in: help.output)) == [])
      }
    }

    @Test("dhtctl(1) has each option and command of dhtctl, and no other")
    func dhtctl() throws {
      try withNetwork { network in
        let help = try network.dhtctl("--help")
        #expect(help.status == 0)
        let page = try ManualPage("dhtctl.1")
        let general = options(in: help.output)
        #expect(Set(page.options(under: "OPTIONS")).symmetricDifference(general) == [])
        let commands = Set(commands(in: help.output))
        #expect(commands.count > 5)
        #expect(Set(page.sections(under: "COMMANDS")).symmetricDifference(commands) == [])
        for command in commands.sorted() {
          let help = try network.dhtctl(command, "--help")
          #expect(help.status == 0)
          let own = options(in: help.output).subtracting(general)
          let told = Set(page.options(under: "COMMANDS", command))
          #expect(told.symmetricDifference(own) == [], "\(command)")
        }
      }
    }

    @Test(
      "a page is formatted without a warning, and its options stay whole and can be copied",
      .enabled(if: ManualPage.formatter != nil), arguments: ["dhtd.8", "dhtctl.1", "dhtd.yaml.5"])
    func formatting(name: String) throws {
      let page = try ManualPage(name)
      let text = try page.formatted()
      #expect(text.contains("NAME") && text.contains("SEE ALSO"))
      let broken = text.split(separator: "\n").filter { $0.hasSuffix("\u{2010}") }
      #expect(broken.isEmpty, "words are broken")
      let shown = options(in: text)
      for option in page.options(under: "OPTIONS") { #expect(shown.contains(option)) }
    }

    /// The words of a text that are options: `-i`, `--json`.
    private func options(in text: String) -> Set<String> {
      Set(ManualPage.options(in: text))
    }

    /// The names in the list of commands, which stand two blanks from the edge.
    private func commands(in help: String) -> [String] {
      help.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "SUBCOMMANDS:" }.dropFirst()
        .prefix { !$0.isEmpty }
        .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
    }
  }
}

/// A page of the manual, as its author wrote it.
private struct ManualPage {
  let path: String
  /// Its lines without what makes hyphens and fonts.
  private let lines: [String]

  init(_ name: String) throws {
    var url = URL(filePath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    path = url.appending(path: "packaging/man/\(name)").path
    var text = String(decoding: try contents(path), as: UTF8.self).replacing("\\-", with: "-")
    for font in ["\\fI", "\\fB", "\\fR", "\\fP"] { text = text.replacing(font, with: "") }
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The first words of the headings in a section.
  func sections(under section: String) -> [String] {
    body(of: section).filter { $0.hasPrefix(".SS ") }.compactMap(Self.command)
  }

  /// The options that have an entry of their own in a section, or in the part of it that a command
  /// begins.
  func options(under section: String, _ command: String? = nil) -> [String] {
    var part = body(of: section)
    if let command {
      let rest = part.drop { !$0.hasPrefix(".SS ") || Self.command($0) != command }
      // A command may have several headings, one below the other.
      let headings = rest.prefix { $0.hasPrefix(".SS ") }
      part = rest.dropFirst(headings.count).prefix { !$0.hasPrefix(".SS ") }
    }
    return zip(part, part.dropFirst()).filter { $0.0 == ".TP" }.flatMap { Self.options(in: $0.1) }
  }

  private func body(of section: String) -> ArraySlice<String> {
    lines.drop { $0 != ".SH \(section)" }.dropFirst().prefix { !$0.hasPrefix(".SH ") }
  }

  private static func command(_ heading: String) -> String? {
    heading.split(separator: " ").dropFirst().first.map(String.init)
  }

  /// The words that begin with a hyphen or two and go on with a letter.
  static func options(in text: String) -> [String] {
    text.split { !$0.isLetter && !$0.isNumber && $0 != "-" }
      .filter { $0.hasPrefix("-") && $0.drop { $0 == "-" }.first?.isLetter == true }
      .map(String.init)
  }

  /// The program that shows pages, where there is one.
  static var formatter: String? {
    let path = "/usr/bin/man"
    return access(path, X_OK) == 0 && access("/usr/bin/groff", X_OK) == 0 ? path : nil
  }

  /// The page as people see it.
  ///
  /// - Throws: `Refused` with the warnings.
  func formatted() throws -> String {
    let formatter = try #require(Self.formatter)
    let process = try ChildProcess(
      [formatter, "--warnings", "-E", "UTF-8", "-l", path],
      environment: [
        "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80", "PATH": "/usr/bin:/bin", "HOME": "/",
      ], group: nil)
    let exit = try process.waitForExit(within: 30)
    guard exit == .exited(0), process.errors.isEmpty else {
      throw Refused(description: "\(exit): \(process.errorLines.joined(separator: "; "))")
    }
    return String(decoding: process.output, as: UTF8.self)
  }

  struct Refused: Error, CustomStringConvertible {
    let description: String
  }
}
