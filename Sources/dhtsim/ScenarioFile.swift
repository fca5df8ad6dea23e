import Simulation
import YAML

/// A parsed scenario file: settings, and keys with several values.
struct ScenarioFile: Sendable {
  /// A problem of a file or a `--set`, for its author.
  struct Problem: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  /// A variant of the scenario, and its difference from the others.
  struct Variant: Sendable {
    /// A label such as `nodes=100`; empty if there is only one variant.
    let label: String
    /// The values of the varied keys, in the order of the file.
    let values: [String]
    let scenario: Scenario
  }

  /// The settings in their order. A later one overrides an earlier one.
  private var settings: [(key: String, value: String)] = []
  /// The varied keys and their values.
  private(set) var vary: [(key: String, values: [String])] = []

  /// The most variants of a file.
  static let maxVariants = 64

  /// Parses the text of a file.
  ///
  /// - Parameter name: the name of the file in error messages.
  init(yaml text: String, name: String) throws(Problem) {
    let root: YAMLNode?
    do {
      root = try YAMLDocument(text).root
    } catch {
      throw Problem(description: "\(name): \(error.description(in: text))")
    }
    guard let root else { return }
    guard case .mapping(let pairs, _) = root else {
      throw Problem(description: "\(name): expected 'key: value' lines")
    }
    for pair in pairs {
      guard case .scalar(let word) = pair.key else {
        throw Problem(description: "\(name): a key must be a word")
      }
      let place = "\(name):\(word.line)"
      switch (word.text, pair.value) {
      case ("parameters", .mapping(let inner, _)):
        for pair in inner { try read(pair, after: "parameters.", at: place) }
      case ("vary", .mapping(let inner, _)):
        for pair in inner { try readVaried(pair, at: place) }
      case ("parameters", _), ("vary", _):
        throw Problem(description: "\(place): lines of 'key: value' belong below '\(word.text)'")
      default:
        try read(pair, after: "", at: place)
      }
    }
    guard variantCount <= Self.maxVariants else {
      throw Problem(
        description:
          "\(name): 'vary' makes \(variantCount) scenarios; at most \(Self.maxVariants) are allowed")
    }
  }

  private var variantCount: Int {
    vary.reduce(1) {
      $0.multipliedReportingOverflow(by: $1.values.count).overflow ? .max : $0 * $1.values.count
    }
  }

  private mutating func read(_ pair: YAMLNode.Pair, after prefix: String, at place: String) throws(Problem) {
    guard case .scalar(let word) = pair.key, case .scalar(let content) = pair.value else {
      throw Problem(description: "\(place): '\(pair.key.text ?? "a key")' takes one value")
    }
    try add(prefix + word.text, content.text, at: place.replacingLine(word.line))
  }

  private mutating func readVaried(_ pair: YAMLNode.Pair, at place: String) throws(Problem) {
    guard case .scalar(let word) = pair.key, case .sequence(let sequence, _) = pair.value else {
      throw Problem(description: "\(place): '\(pair.key.text ?? "a key")' takes a list, such as [100, 1000]")
    }
    let line = place.replacingLine(word.line)
    var values: [String] = []
    for item in sequence {
      guard case .scalar(let content) = item else {
        throw Problem(description: "\(line): '\(word.text)' takes a list of single values")
      }
      var scratch = Scenario()
      try Self.set(word.text, content.text, in: &scratch, at: line)
      values.append(content.text)
    }
    guard !values.isEmpty else { throw Problem(description: "\(line): '\(word.text)' has no value") }
    vary.append((word.text, values))
  }

  /// Sets a key, which overrides the file.
  mutating func set(_ key: String, _ value: String) throws(Problem) {
    vary.removeAll { $0.key == key }
    try add(key, value, at: "--set")
  }

  private mutating func add(_ key: String, _ value: String, at place: String) throws(Problem) {
    var scratch = Scenario()
    try Self.set(key, value, in: &scratch, at: place)
    settings.append((key, value))
  }

  private static func set(
    _ key: String, _ value: String, in scenario: inout Scenario, at place: String
  ) throws(Problem) {
    guard let setting = ScenarioSetting.named(key) else {
      let isParameter = key.hasPrefix("parameters.")
      let known =
        isParameter ? ScenarioSetting.parameters : ScenarioSetting.all.map(\.name) + ["parameters", "vary"]
      throw Problem(
        description: "\(place): '\(key)' is not a key of a scenario; known "
          + (isParameter ? "below 'parameters' are " : "are ") + known.joined(separator: ", "))
    }
    guard setting.set(value, &scenario) else {
      throw Problem(description: "\(place): '\(key)': '\(value)' is not \(setting.form)")
    }
  }

  /// The variants, one for each combination of the varied values.
  var variants: [Variant] {
    get throws(Problem) {
      var base = Scenario()
      for (key, value) in settings { try Self.set(key, value, in: &base, at: key) }
      var variants = [Variant(label: "", values: [], scenario: base)]
      for (key, values) in vary {
        var next: [Variant] = []
        for variant in variants {
          for value in values {
            var scenario = variant.scenario
            try Self.set(key, value, in: &scenario, at: key)
            let label = (variant.label.isEmpty ? "" : variant.label + " ") + "\(key.withoutSection)=\(value)"
            next.append(Variant(label: label, values: variant.values + [value], scenario: scenario))
          }
        }
        variants = next
      }
      return variants
    }
  }
}

extension String {
  /// `file:3` with another line.
  fileprivate func replacingLine(_ line: Int) -> String {
    guard let colon = lastIndex(of: ":") else { return self }
    return self[..<colon] + ":\(line)"
  }

  fileprivate var withoutSection: String { String(split(separator: ".").last ?? "") }
}

extension YAMLError {
  /// The error with its line in the text.
  fileprivate func description(in text: String) -> String {
    switch self {
    case .malformed(let stage, let problem, let place, let context):
      let context = context.map { "\($0.text) in line \($0.place.line), column \($0.place.column)\n" } ?? ""
      var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      if lines.last == "" { lines.removeLast() }
      // An error at the end of the text is shown behind its last line.
      let line = lines.prefix(place.line).last ?? ""
      return "\(place.line):\(place.column): error: \(stage.rawValue): \(context)\(problem):\n\(line)\n"
        + String(repeating: " ", count: place.column - 1) + "^"
    case .duplicateKeys(let keys, let line):
      let names = keys.map { "'\($0)'" }.joined(separator: ", ")
      return "\(line): expected all keys to be unique but found the following duplicated key(s): \(names)"
    }
  }
}
