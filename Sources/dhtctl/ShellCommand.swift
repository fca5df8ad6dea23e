package import ControlProtocol

/// A command line of the shell.
package enum ShellCommand: Hashable, Sendable {
  case blank
  case help
  case quit
  case request(ControlRequest)
  /// An invalid line; the text says how to correct it.
  case mistake(String)

  /// The output of `help`.
  package static let helpText = """
    put KEY VALUE   store a value; it is the rest of the line, as it stands
    get KEY         print the value of a key
    delete KEY      delete a key
    status          show this node
    help            show this
    quit            leave; so does exit, or the end of the input

    """

  /// Parses a line without its line feed.
  ///
  /// The key ends at the first blank. Exactly one blank separates the key from the value, so a value may
  /// begin and end with blanks.
  package init(_ line: [UInt8]) {
    var rest = line[...].drop(while: Self.isBlank)
    let word = String(decoding: Self.takeWord(&rest), as: UTF8.self)
    switch word {
    case "": self = .blank
    case "put":
      let key = Array(Self.takeWord(&rest))
      // The rest is empty only without the separating blank.
      guard !key.isEmpty, !rest.isEmpty else {
        self = .mistake("put takes a key and a value: put KEY VALUE")
        return
      }
      self = .request(.put(PutParams(key: key, value: Array(rest.dropFirst()))))
    case "get":
      self = Self.withKey(rest, "get") { .get(GetParams(key: $0)) }
    case "delete":
      self = Self.withKey(rest, "delete") { .delete(DeleteParams(key: $0)) }
    case "status", "help", "quit", "exit":
      guard rest.allSatisfy(Self.isBlank) else {
        self = .mistake("\(word) takes no arguments")
        return
      }
      self = word == "status" ? .request(.status) : word == "help" ? .help : .quit
    default:
      self = .mistake("unknown command '\(TerminalText.escaped(Array(word.utf8.prefix(64))))'; try 'help'")
    }
  }

  /// Returns whether the result of this command could change if it ran at the same time as an earlier
  /// request.
  package func mustWait(for earlier: ControlRequest) -> Bool {
    guard case .request(let request) = self else { return false }
    guard let key = request.shellKey, let earlierKey = earlier.shellKey else { return true }
    guard key == earlierKey else { return false }
    if case .get = request, case .get = earlier { return false }
    return true
  }

  private static func withKey(
    _ rest: ArraySlice<UInt8>, _ name: String, _ make: ([UInt8]) -> ControlRequest
  ) -> ShellCommand {
    var rest = rest
    let key = Array(takeWord(&rest))
    guard !key.isEmpty, rest.allSatisfy(isBlank) else {
      return .mistake("\(name) takes one key without blanks: \(name) KEY")
    }
    return .request(make(key))
  }

  private static func takeWord(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    rest = rest.drop(while: isBlank)
    let word = rest.prefix { !isBlank($0) }
    rest = rest[word.endIndex...]
    return word
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}

extension ControlRequest {
  /// The key of a shell command; nil for a command about the node.
  fileprivate var shellKey: [UInt8]? {
    switch self {
    case .put(let params): params.key
    case .get(let params): params.key
    case .delete(let params): params.key
    default: nil
    }
  }
}

extension Rendering {
  /// The shell's output for a request that succeeded.
  package static func shell(_ request: ControlRequest, _ result: ControlResult) -> String {
    switch (request, result) {
    case (.put(let params), .put(let result)): put(params.key, result)
    case (.delete(let params), .delete(let result)): delete(params.key, result)
    case (_, .get(let result)): "Value: \(TerminalText.escaped(result.value))\n"
    case (_, .status(let result)): shellStatus(result)
    default: ""
    }
  }

  /// `Key 'x' not found`. For a get this is an answer and not an error of the shell.
  package static func shellNotFound(_ request: ControlRequest, _ error: ControlError) -> String? {
    guard case .get(let params) = request, error.code == .notFound else { return nil }
    return "Key '\(TerminalText.escaped(params.key))' not found\n"
  }
}
