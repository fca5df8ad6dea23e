import ControlProtocol
import Glibc
import SystemPackage

/// The origin of a value.
package enum ConfigurationOrigin: Hashable, Sendable {
  /// The built-in default.
  case builtIn
  /// A line of a file, counted from 1.
  case file(String, line: Int)
  /// A variable of the environment.
  case variable(String)
  /// An option of the command line, in its written form.
  case option(String)
}

extension ConfigurationOrigin: CustomStringConvertible {
  /// The place, in a form that a person can find.
  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .variable(let name): "the environment variable \(name)"
    case .option(let option): option
    }
  }
}

/// A problem of a configuration.
package enum ConfigurationProblem: Error, Hashable, Sendable {
  /// The key does not exist. `similar` is a key with a similar name.
  case unknownKey(String, ConfigurationOrigin, similar: String?)
  /// The value of a key is invalid.
  case wrongValue(key: String, ConfigurationOrigin, value: String, form: String)
  /// The value of a key is valid by itself and conflicts with another.
  case conflict(key: String, ConfigurationOrigin, reason: String)
  /// A file that cannot be read.
  case unreadable(path: String, reason: String)
  /// A file that is not YAML, or not a mapping of keys to values.
  case malformed(path: String, line: Int?, reason: String)

  /// True if the problem is an option of the command line.
  fileprivate var isOfCommandLine: Bool {
    switch self {
    case .unknownKey(_, .option, _), .wrongValue(_, .option, _, _), .conflict(_, .option, _): true
    default: false
    }
  }
}

extension ConfigurationProblem: CustomStringConvertible {
  /// A line that names the file, line and key, and says what to do.
  package var description: String {
    switch self {
    case .unknownKey(let key, let origin, let similar):
      "\(place(origin, key)): there is no such key; "
        + (similar.map { "did you mean '\($0)'?" } ?? "dhtd.yaml(5) lists them all")
    case .wrongValue(let key, let origin, let value, let form):
      "\(place(origin, key)): \(value) is not \(form)"
    case .conflict(let key, let origin, let reason):
      "\(place(origin, key)): \(reason)"
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
        + (reason == Self.noPermission ? "; the user that the node runs as must be able to read it" : "")
    case .malformed(let path, let line, let reason):
      "\(path):\(line.map { "\($0):" } ?? "") \(reason)"
    }
  }

  private static let noPermission = Errno.permissionDenied.description

  /// The names of a variable and of an option contain the key.
  private func place(_ origin: ConfigurationOrigin, _ key: String) -> String {
    if case .file = origin { "\(origin): \(shown(key))" } else { "\(origin)" }
  }

  private func shown(_ text: String) -> String {
    TerminalText.escaped(text.count > 64 ? text.prefix(64) + "…" : text)
  }
}

/// All problems of a configuration.
package struct InvalidConfiguration: Error, Sendable {
  /// The problems, at least one, up to a limit.
  package let problems: [ConfigurationProblem]
  /// The number of further problems.
  package let omitted: Int

  /// The report, a line for each problem.
  package var lines: [String] {
    problems.map { $0.isOfCommandLine ? "\($0); see 'dhtd --help'" : $0.description }
      + (omitted > 0 ? ["and \(omitted) more mistakes; fix these first"] : [])
  }
}

extension InvalidConfiguration: CustomStringConvertible {
  /// The report as one text.
  package var description: String { lines.joined(separator: "\n") }
}
