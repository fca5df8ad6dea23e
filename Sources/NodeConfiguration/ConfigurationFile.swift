import ControlProtocol
import Glibc
import Platform
import SystemPackage
import Yams

/// What a file says: its keys with their values as text, each with its line.
struct ConfigurationFile {
  /// A key and what stands behind it.
  struct Entry {
    /// With a dot between a section and what is in it.
    let key: String
    let line: Int
    let value: Value
  }

  enum Value {
    case one(String)
    case several([(text: String, line: Int)])
    /// Something of which no setting is made, described: completes "… is not …".
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
    // The mark that some editors put before UTF-8.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed(path: path, line: nil, reason: "it is not UTF-8 text")
    }
    try self.init(yaml: text, path: path)
  }

  /// Reads the text of a file.
  init(yaml text: String, path: String) throws(ConfigurationProblem) {
    let root: Node?
    do {
      root = try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch {
      throw ConfigurationProblem(error, path: path)
    }
    switch root {
    case nil: entries = []
    case .mapping(let mapping): entries = try Self.entries(of: mapping, in: nil, path: path)
    case .scalar(let scalar) where scalar.string.isEmpty: entries = []
    default:
      throw .malformed(path: path, line: 1, reason: "'key: value' lines are wanted; see dhtd.yaml(5)")
    }
  }

  private static func entries(
    of mapping: Node.Mapping, in section: String?, path: String
  ) throws(ConfigurationProblem) -> [Entry] {
    var entries: [Entry] = []
    for (key, value) in mapping {
      guard case .scalar(let name) = key else {
        throw .malformed(path: path, line: key.mark?.line, reason: "a key must be a word")
      }
      let line = name.mark?.line ?? 1
      let full = section.map { "\($0).\(name.string)" } ?? name.string
      if section == nil, Setting.sections.contains(full), case .mapping(let inner) = value {
        entries += try Self.entries(of: inner, in: full, path: path)
      } else {
        entries.append(Entry(key: full, line: line, value: Value(value)))
      }
    }
    return entries
  }

  private static func read(_ path: String) throws(ConfigurationProblem) -> [UInt8]? {
    func failure() -> ConfigurationProblem {
      .unreadable(path: path, reason: Errno.current.description)
    }
    // Not blocking: a pipe that nobody writes to would hold up a node that runs.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw failure()
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure() }
    guard [S_IFREG, S_IFCHR].contains(status.st_mode & S_IFMT) else {
      throw .unreadable(path: path, reason: "it is not a file")
    }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure() }
      guard count > 0 else { return bytes }
      bytes += piece.prefix(count)
      guard bytes.count <= limit else {
        throw .unreadable(path: path, reason: "it has more than \(limit >> 20) MiB")
      }
    }
  }
}

extension ConfigurationFile.Value {
  init(_ node: Node) {
    switch node {
    case .scalar(let scalar):
      self = scalar.isNothing ? .other("an empty value") : .one(scalar.string)
    case .sequence(let sequence):
      var items: [(text: String, line: Int)] = []
      for item in sequence {
        guard case .scalar(let scalar) = item, !scalar.isNothing else {
          self = .other("a list of anything but words")
          return
        }
        items.append((scalar.string, scalar.mark?.line ?? 1))
      }
      self = .several(items)
    case .mapping: self = .other("a section")
    case .alias: self = .other("an alias")
    }
  }
}

extension Node.Scalar {
  /// Whether nothing stands there. Quotes around nothing are something: an empty text.
  fileprivate var isNothing: Bool {
    (style == .plain || style == .any) && (string.isEmpty || string == "~" || string == "null")
  }
}

extension ConfigurationProblem {
  /// What the YAML parser complains of, in one line.
  fileprivate init(_ error: any Error, path: String) {
    switch error as? YamlError {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let where_ = context.map { " \($0.text)" } ?? ""
      self = .malformed(path: path, line: mark.line, reason: "this is not YAML: \(problem)\(where_)")
    case .reader(let problem, let offset, _, let text):
      let line = offset.map { offset in text.prefix(offset).count { $0.isNewline } + 1 }
      self = .malformed(path: path, line: line, reason: "this is not YAML: \(problem)")
    case .duplicatedKeysInMapping(let names, let context):
      let keys = names.map { "'\(TerminalText.escaped($0))'" }.joined(separator: ", ")
      self = .malformed(path: path, line: context.mark.line, reason: "\(keys) stands there more than once")
    default:
      self = .malformed(path: path, line: nil, reason: "this is not YAML")
    }
  }
}
