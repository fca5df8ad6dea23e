import ControlProtocol
import Glibc
import SystemPackage

/// Where a value comes from.
package enum ConfigurationOrigin: Hashable, Sendable {
  /// Nobody has set it.
  case builtIn
  /// A line of a file, counted from 1.
  case file(String, line: Int)
  /// A variable of the environment.
  case variable(String)
  /// An option of the command line, as it is written.
  case option(String)
}

extension ConfigurationOrigin: CustomStringConvertible {
  /// The place, as a person looks it up.
  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .variable(let name): "the environment variable \(name)"
    case .option(let option): option
    }
  }
}

/// One thing that is wrong with a configuration.
package enum ConfigurationProblem: Error, Hashable, Sendable {
  /// There is no such key; perhaps one with a similar name is meant.
  case unknownKey(String, ConfigurationOrigin, similar: String?)
  /// The value of a key is not of its form.
  case wrongValue(key: String, ConfigurationOrigin, value: String, form: String)
  /// The value of a key is right by itself, and does not go with another.
  case conflict(key: String, ConfigurationOrigin, reason: String)
  /// A file that cannot be read.
  case unreadable(path: String, reason: String)
  /// A file that is not YAML, or not a mapping of keys to values.
  case malformed(path: String, line: Int?, reason: String)

  /// Whether an option of the command line is to be mended.
  fileprivate var isOfCommandLine: Bool {
    switch self {
    case .unknownKey(_, .option, _), .wrongValue(_, .option, _, _), .conflict(_, .option, _): true
    default: false
    }
  }
}

extension ConfigurationProblem: CustomStringConvertible {
  /// One line for a person: file, line, key, and what to do.
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

  /// A variable and an option have the key in their names.
  private func place(_ origin: ConfigurationOrigin, _ key: String) -> String {
    if case .file = origin { "\(origin): \(shown(key))" } else { "\(origin)" }
  }

  private func shown(_ text: String) -> String {
    TerminalText.escaped(text.count > 64 ? text.prefix(64) + "…" : text)
  }
}

/// Everything that is wrong with a configuration, all at once.
package struct InvalidConfiguration: Error, Sendable {
  /// At least one, and as many as anybody reads at once.
  package let problems: [ConfigurationProblem]
  /// How many more there are.
  package let omitted: Int

  /// What is told, a line each.
  package var lines: [String] {
    problems.map { $0.isOfCommandLine ? "\($0); see 'dhtd --help'" : $0.description }
      + (omitted > 0 ? ["and \(omitted) more mistakes; mend these first"] : [])
  }
}

extension InvalidConfiguration: CustomStringConvertible {
  /// One line a problem.
  package var description: String { lines.joined(separator: "\n") }
}
