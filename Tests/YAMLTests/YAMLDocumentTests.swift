import Testing
import YAML

@Suite("YAML documents, valid and invalid") struct YAMLDocumentTests {
  /// A node in one line, without its places: `{a: [b, 'c']}`. A scalar that is not plain is in quotes.
  private func outline(_ node: YAMLNode?) -> String {
    switch node {
    case nil: "none"
    case .scalar(let scalar): scalar.isPlain ? scalar.text : "'\(scalar.text)'"
    case .sequence(let nodes, _): "[\(nodes.map(outline).joined(separator: ", "))]"
    case .mapping(let pairs, _):
      "{\(pairs.map { "\(outline($0.key)): \(outline($0.value))" }.joined(separator: ", "))}"
    }
  }

  private func outline(_ text: String) throws -> String { outline(try YAMLDocument(text).root) }

  /// The fault in one line: `2: problem`.
  private func fault(_ text: String) -> String {
    do {
      return "none: \(outline(try YAMLDocument(text).root).prefix(40))"
    } catch {
      switch error {
      case .malformed(_, let problem, let place, _): return "\(place.line): \(problem)"
      case .duplicateKeys(let keys, let line): return "\(line): duplicate \(keys.joined(separator: ", "))"
      }
    }
  }

  @Test(
    "a document becomes its tree, in the order of the text",
    arguments: [
      ("", "none"), ("# only a comment", "none"), ("---\n", ""), ("word", "word"), ("\u{FEFF}a: 1", "{a: 1}"),
      ("b: 1\na: [x, 'y', \"z\"]\n", "{b: 1, a: [x, 'y', 'z']}"), ("a: |\n  text\n", "{a: 'text\n'}"),
      ("a:\nb: ~\nc: null\nd: ''\ne: '~'\n", "{a: , b: ~, c: null, d: '', e: '~'}"),
      ("- - a\n- {}\n- []\n", "[[a], {}, []]"), ("? [a]\n: 1\n", "{[a]: 1}"), ("a: \"x\\0y\"", "{a: 'x\0y'}"),
      ("a: 1\n...\n", "{a: 1}"), ("%YAML 1.1\n---\na: 1\n", "{a: 1}"),
    ])
  func tree(text: String, expected: String) throws {
    #expect(try outline(text) == expected)
  }

  @Test("every node knows its line")
  func lines() throws {
    let root = try #require(
      try YAMLDocument("# comment\na:\n  - b\n  -\n    c: d\r\n# comment\r\ne: f\n").root)
    guard case .mapping(let pairs, 2) = root, case .sequence(let nodes, 3) = pairs[0].value else {
      Issue.record("\(root)")
      return
    }
    #expect(pairs.map(\.key.line) == [2, 7])
    #expect(nodes.map(\.line) == [3, 5])
  }

  @Test(
    "an alias stands for the node of its anchor",
    arguments: [
      ("a: &x 1\nb: *x\n", "{a: 1, b: 1}"),
      ("a: &x [1, 2]\nb: [*x, *x]\n", "{a: [1, 2], b: [[1, 2], [1, 2]]}"),
      ("a: &x 1\nb: &x 2\nc: *x\n", "{a: 1, b: 2, c: 2}"), ("a: &x k\n*x : 1\n", "{a: k, k: 1}"),
    ])
  func aliases(text: String, expected: String) throws {
    #expect(try outline(text) == expected)
  }

  @Test(
    "a fault is reported with its line",
    arguments: [
      ("a: 1\nb: *x\n", "2: found undefined alias"), ("a: &x [*x]\n", "1: found undefined alias"),
      ("a: 1\n---\nb: 1\n", "2: but found another document"),
      ("a: 1\nb: \"x\n", "3: found unexpected end of stream"),
      ("a: [1\nb: 2\n", "2: did not find expected ',' or ']'"),
      ("a: 1\n\tb: 2\n", "2: found a tab character that violates indentation"),
      ("a: 1\r\nb: 2\r\nc: \u{1}\r\n", "3: control characters are not allowed"),
      ("a: 1\u{2028}b: \u{1}", "2: control characters are not allowed"),
      ("a: b: c\n", "1: mapping values are not allowed in this context"),
      ("%YAML 3.0\n---\na: 1\n", "1: found incompatible YAML document"),
      ("a: &x &y 1\n", "1: did not find expected key"),
    ])
  func faults(text: String, expected: String) {
    #expect(fault(text) == expected)
  }

  @Test(
    "duplicate keys are an error at the first place of the first of them, in any mapping",
    arguments: [
      ("a: 1\na: 2\n", "1: duplicate a"), ("b: 1\na: 1\nb: 2\na: 2\nb: 3\n", "2: duplicate a, b"),
      ("x: 1\ny:\n  a: 1\n  'a': 2\n", "3: duplicate a"), ("- {a: 1, a: 2}\n", "1: duplicate a"),
      ("a: &x k\nk: 1\n*x : 2\n", "2: duplicate k"), ("a: {b: 1, b: 2}\nc: [\n", "1: duplicate b"),
    ])
  func duplicateKeys(text: String, expected: String) {
    #expect(fault(text) == expected)
  }

  @Test(
    "nodes that are nested too deep are an error, and overflow no stack",
    arguments: ["[", "{a: ", "- ", "? ", "[{a: ", "&x ["])
  func depth(opening: String) {
    #expect(fault(String(repeating: opening, count: 10_000)) == "1: nested more than 1000 levels deep")
  }

  @Test("a thousand levels are read, and no alias gets deeper")
  func deepest() throws {
    let deep = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
    #expect(try YAMLDocument(deep(1000)).root != nil)
    #expect(fault(deep(1001)) == "1: nested more than 1000 levels deep")
    #expect(fault("- &x \(deep(998))\n- [*x]\n").hasPrefix("none: "))
    #expect(fault("- &x \(deep(998))\n- [[*x]]\n") == "2: nested more than 1000 levels deep")
  }

  @Test("aliases of aliases do not multiply without end")
  func aliasesOfAliases() {
    var text = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "- &a\(level) [\(aliases)]\n"
    }
    #expect(fault(text) == "5: aliases stand for more than 65536 nodes")
  }

  @Test("no text traps: every prefix of a document, and every change of one of its bytes, is read or refused")
  func mutations() {
    let text =
      "%YAML 1.1\n---\na: &x [1, 'b', \"\\x41\"]\n? {c: *x}\n: - |\n    d\n  - !!str e\n# f\nkey: >-\n  g\n...\n"
    #expect(fault(text).hasPrefix("none: "))
    let bytes = Array(text.utf8)
    var accepted = 0
    for count in bytes.indices {
      if (try? YAMLDocument(String(decoding: bytes.prefix(count), as: UTF8.self))) != nil { accepted += 1 }
      for byte in Array("\0\t\n\r -?:,[]{}#&*!|>'\"%@`~\\a".utf8) + [0xFF, 0xC3] {
        var changed = bytes
        changed[count] = byte
        if (try? YAMLDocument(String(decoding: changed, as: UTF8.self))) != nil { accepted += 1 }
      }
    }
    #expect(accepted > 100)
  }
}
