import ControlProtocol
import Glibc
import Platform
import SystemPackage
import YAML

/// A parsed file: its keys and their values as text, each with its line.
struct ConfigurationFile {
  /// A key and its value.
  struct Entry {
    /// The key, with a dot between a section and its member.
    let key: String
    let line: Int
    let value: Value
  }

  enum Value {
    case one(String)
    case several([(text: String, line: Int)])
    /// A value that no setting accepts; the text completes "… is not …".
    case other(String)
  }

  let entries: [Entry]

  /// More than any configuration needs.
  private static let limit = 1 << 20

  /// Reads a file; nil if there is none.
  ///
  /// - Throws: `ConfigurationProblem`.
  init?(at path: String) throws(ConfigurationProblem) {
    guard var bytes = try Self.read(path) else { return nil }
    // The byte order mark that some editors write before UTF-8.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed(path: path, line: nil, reason: "it is not UTF-8 text")
    }
    try self.init(yaml: text, path: path)
  }

  /// Parses the text of a file.
  init(yaml text: String, path: String) throws(ConfigurationProblem) {
    let root: YAMLNode?
    do {
      root = try YAMLDocument(text).root
    } catch {
      throw ConfigurationProblem(error, path: path)
    }
    switch root {
    case nil: entries = []
    case .mapping(let pairs, _): entries = try Self.entries(of: pairs, in: nil, path: path)
    case .scalar(let scalar) where scalar.text.isEmpty: entries = []
    default:
      throw .malformed(path: path, line: 1, reason: "expected 'key: value' lines; see dhtd.yaml(5)")
    }
  }

  private static func entries(
    of pairs: [YAMLNode.Pair], in section: String?, path: String
  ) throws(ConfigurationProblem) -> [Entry] {
    var entries: [Entry] = []
    for pair in pairs {
      guard case .scalar(let name) = pair.key else {
        throw .malformed(path: path, line: pair.key.line, reason: "a key must be a word")
      }
      let full = section.map { "\($0).\(name.text)" } ?? name.text
      if section == nil, Setting.sections.contains(full), case .mapping(let inner, _) = pair.value {
        entries += try Self.entries(of: inner, in: full, path: path)
      } else {
        entries.append(Entry(key: full, line: name.line, value: Value(pair.value)))
      }
    }
    return entries
  }

  private static func read(_ path: String) throws(ConfigurationProblem) -> [UInt8]? {
    func failure() -> ConfigurationProblem {
      .unreadable(path: path, reason: Errno.current.description)
    }
    // The system calls write at most the sizes they are given, and keep no pointer.
    // Non-blocking: a pipe without a writer would block a running node.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure()
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure() }
    guard [S_IFREG, S_IFCHR].contains(status.st_mode & S_IFMT) else {
      throw .unreadable(path: path, reason: "it is not a file")
    }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure() }
      guard count > 0 else { return bytes }
      bytes += piece.prefix(count)
      guard bytes.count <= limit else {
        throw .unreadable(path: path, reason: "it is larger than \(limit >> 20) MiB")
      }
    }
  }
}

extension ConfigurationFile.Value {
  init(_ node: YAMLNode) {
    switch node {
    case .scalar(let scalar):
      self = scalar.isNothing ? .other("an empty value") : .one(scalar.text)
    case .sequence(let nodes, _):
      var items: [(text: String, line: Int)] = []
      for node in nodes {
        guard case .scalar(let scalar) = node, !scalar.isNothing else {
          self = .other("a list of anything but words")
          return
        }
        items.append((scalar.text, scalar.line))
      }
      self = .several(items)
    case .mapping: self = .other("a section")
    }
  }
}

extension YAMLNode.Scalar {
  /// True if the scalar has no value. A quoted empty text has one.
  fileprivate var isNothing: Bool { isPlain && (text.isEmpty || text == "~" || text == "null") }
}

extension ConfigurationProblem {
  /// The error that the YAML reader found, on one line.
  fileprivate init(_ error: YAMLError, path: String) {
    switch error {
    case .malformed(_, let problem, let place, let context):
      let where_ = context.map { " \($0.text)" } ?? ""
      self = .malformed(path: path, line: place.line, reason: "this is not YAML: \(problem)\(where_)")
    case .duplicateKeys(let keys, let line):
      let names = keys.map { "'\(TerminalText.escaped($0))'" }.joined(separator: ", ")
      self = .malformed(
        path: path, line: line, reason: "duplicate \(keys.count == 1 ? "key" : "keys") \(names)")
    }
  }
}
