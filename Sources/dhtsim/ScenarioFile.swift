import Simulation
import YAML

/// What a scenario file says: settings, and those of which every value is played.
struct ScenarioFile: Sendable {
  /// What is wrong with a file or a `--set`, for the person who wrote it.
  struct Problem: Error, Hashable, CustomStringConvertible {
    let description: String
  }

  /// A scenario that is played, and what it differs by from the others of its file.
  struct Variant: Sendable {
    /// `nodes=100`; empty where there is only one.
    let label: String
    /// The values of what varies, in the order of the file.
    let values: [String]
    let scenario: Scenario
  }

  /// In their order; a later one counts.
  private var settings: [(key: String, value: String)] = []
  /// The keys of which several values are played, and those.
  private(set) var vary: [(key: String, values: [String])] = []

  /// The most scenarios that one file may be played as.
  static let mostVariants = 64

  /// Reads the text of a file.
  ///
  /// - Parameter name: what it is called in what is said of its faults.
  init(yaml text: String, name: String) throws(Problem) {
    let root: YAMLNode?
    do {
      root = try YAMLDocument(text).root
    } catch {
      throw Problem(description: "\(name): \(error.description(in: text))")
    }
    guard let root else { return }
    guard case .mapping(let pairs, _) = root else {
      throw Problem(description: "\(name): 'key: value' lines are wanted")
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
    guard variantCount <= Self.mostVariants else {
      throw Problem(
        description:
          "\(name): 'vary' makes \(variantCount) scenarios of it; at most \(Self.mostVariants) are played")
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

  /// Sets a key, over what the file says of it.
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
        description: "\(place): '\(key)' is no key of a scenario; known "
          + (isParameter ? "below 'parameters' are " : "are ") + known.joined(separator: ", "))
    }
    guard setting.set(value, &scenario) else {
      throw Problem(description: "\(place): '\(key)': '\(value)' is not \(setting.form)")
    }
  }

  /// What is played, one for each combination of what varies.
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
  /// The fault, with the line of the text that it is in.
  fileprivate func description(in text: String) -> String {
    switch self {
    case .malformed(let stage, let problem, let place, let context):
      let context = context.map { "\($0.text) in line \($0.place.line), column \($0.place.column)\n" } ?? ""
      var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      if lines.last == "" { lines.removeLast() }
      // A fault at the end of the text is shown behind its last line.
      let line = lines.prefix(place.line).last ?? ""
      return "\(place.line):\(place.column): error: \(stage.rawValue): \(context)\(problem):\n\(line)\n"
        + String(repeating: " ", count: place.column - 1) + "^"
    case .duplicateKeys(let keys, let line):
      let names = keys.map { "'\($0)'" }.joined(separator: ", ")
      return "\(line): expected all keys to be unique but found the following duplicated key(s): \(names)"
    }
  }
}
