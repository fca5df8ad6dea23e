/// The text of a key file: a key in base64 on each line, the encrypting key first, and comments after `#`.
///
/// A change keeps the other lines.
package struct KeyFile: Hashable, Sendable {
  /// 64 KiB: far more than `Keyring.maxKeys` keys with their comments need.
  package static let maxBytes = 64 << 10

  fileprivate enum Line: Hashable, Sendable {
    /// A key, and the rest of its line.
    case key(NetworkKey, rest: String)
    case other(String)
  }

  private var lines: [Line] = []

  /// A file of these keys.
  package init(_ keys: [NetworkKey]) { lines = keys.map { .key($0, rest: "") } }

  /// Parses a text.
  ///
  /// - Throws: `KeyFileError`, which does not repeat the text, because it may be most of a key.
  package init(text bytes: [UInt8]) throws(KeyFileError) {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let content = line.prefix { $0 != "#" }
      let word = content.trimmed
      if word.isEmpty {
        lines.append(.other(String(line)))
      } else if let key = NetworkKey(base64: word) {
        lines.append(.key(key, rest: String(line[word.endIndex...])))
      } else {
        throw .invalidLine(line: index + 1)
      }
    }
    // The text after the last line feed is not a line if it is empty.
    if lines.last == .other("") { lines.removeLast() }
  }

  /// The keys in their order.
  package var keys: [NetworkKey] {
    lines.compactMap { line in
      if case .key(let key, _) = line { key } else { nil }
    }
  }

  /// Returns this file with other keys. Keys that stay keep their comments, and new keys follow the others.
  package func holding(_ keys: [NetworkKey]) -> KeyFile {
    var result = self
    guard keys != self.keys else { return result }
    // If the order of the keys changes, their lines are swapped.
    var wanted = keys.map { key in lines.first { $0.isOf(key) } ?? .key(key, rest: "") }[...]
    result.lines = []
    for line in lines {
      if case .other = line {
        result.lines.append(line)
      } else if let next = wanted.popFirst() {
        result.lines.append(next)
      }
    }
    result.lines += wanted
    return result
  }

  /// The text, each line with its line feed.
  package var text: String {
    lines.map { line in
      switch line {
      case .key(let key, let rest): key.base64 + rest + "\n"
      case .other(let text): text + "\n"
      }
    }.joined()
  }
}

extension KeyFile.Line {
  fileprivate func isOf(_ wanted: NetworkKey) -> Bool {
    if case .key(let key, _) = self { key == wanted } else { false }
  }
}

extension Substring {
  /// The text without surrounding blanks.
  fileprivate var trimmed: Substring {
    var rest = drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return rest
  }
}

/// The reason why a text is not a key file.
package enum KeyFileError: Error, Hashable, Sendable {
  /// The text is not UTF-8.
  case notText
  /// The line, counted from 1, is neither a key nor a comment.
  case invalidLine(line: Int)
}

extension KeyFileError: CustomStringConvertible {
  /// Completes "… : ", and says what to do next.
  package var description: String {
    switch self {
    case .notText: "not a text file; it must have one key on each line, as 'dhtd --generate-key' prints it"
    case .invalidLine(let line):
      "line \(line) is neither a comment nor a key, which is 32 bytes in base64 as 'dhtd --generate-key' prints it"
    }
  }
}
