import ControlProtocol

/// Where the configuration of an instance comes from, each over those after it: options of the
/// command line, the environment, the instance's own file, and the file of all instances.
package struct ConfigurationSources: Sendable {
  /// An option of the command line that sets a key.
  package struct Option: Sendable {
    /// The name of the setting.
    package let key: String
    /// Its values.
    package let values: [String]
    /// The option as it is written.
    package let option: String

    package init(_ key: String, _ values: [String], option: String) {
      self.key = key
      self.values = values
      self.option = option
    }
  }

  /// The file of all instances where no other is named.
  package static let defaultFile = "/etc/dhtd/dhtd.yaml"

  private let files: [(path: String, mustExist: Bool)]
  private let environment: [String: String]
  private let options: [Option]

  /// - Parameters:
  ///   - instance: whose own file, `PORT.yaml`, is read beside that of all instances.
  ///   - file: takes the place of `dhtd.yaml`, and must be there; nil: `dhtd.yaml`, if it is there.
  package init(
    instance: Instance, file: String?, environment: [String: String], options: [Option]
  ) {
    // The variable is no setting of its own: it names the file, as --config does.
    let variable = environment[Self.fileVariable]
    let named = file ?? (variable?.isEmpty == true ? nil : variable)
    let common = named ?? Self.defaultFile
    let directory = common.lastIndex(of: "/").map { common[...$0] } ?? ""
    let own = "\(directory)\(instance.port).yaml"
    // Whoever names the instance's own file means that one alone.
    files = [(common, named != nil)] + (own == common ? [] : [(own, false)])
    self.environment = environment
    self.options = options
  }

  private static let fileVariable = "DHTD_CONFIG"

  /// Reads all of them.
  ///
  /// - Throws: `InvalidConfiguration` with everything that is wrong.
  package func load() throws(InvalidConfiguration) -> LoadedConfiguration {
    var loading = Loading()
    for (path, mustExist) in files { loading.read(path, mustExist: mustExist) }
    for setting in Setting.all {
      guard let text = environment[setting.variable] else { continue }
      loading.set(setting, words(text, of: setting), .variable(setting.variable))
    }
    for option in options {
      let origin = ConfigurationOrigin.option(option.option)
      guard let setting = Setting.named(option.key) else {
        loading.unknown(option.key, origin)
        continue
      }
      // `--set bootstrap=` means none; `--bootstrap ''` means a node without a name.
      let values = option.values.flatMap { $0.isEmpty ? [""] : words($0, of: setting) }
      loading.set(setting, values.isEmpty && !setting.isList ? [""] : values, origin)
    }
    loading.warnOfUnknownVariables(environment.keys.filter { $0 != Self.fileVariable })
    return try loading.finish()
  }

  /// Outside a file, several values stand in one text.
  private func words(_ text: String, of setting: Setting) -> [String] {
    setting.isList ? text.split { $0 == "," || $0.isWhitespace }.map(String.init) : [text]
  }
}

/// A configuration, and where each value of it comes from.
package struct LoadedConfiguration: Sendable {
  /// The values.
  package let configuration: Configuration
  /// The files that were there, as they were read.
  package let files: [String]
  /// What people should know, and what keeps no node from running: one line each.
  package let warnings: [String]
  private let origins: [String: ConfigurationOrigin]

  fileprivate init(
    _ configuration: Configuration, files: [String], warnings: [String],
    origins: [String: ConfigurationOrigin]
  ) {
    self.configuration = configuration
    self.files = files
    self.warnings = warnings
    self.origins = origins
  }

  /// Where the value of a key comes from.
  package func origin(of setting: Setting) -> ConfigurationOrigin { origins[setting.name] ?? .builtIn }
}

/// A configuration as it comes together.
private struct Loading {
  private var configuration = Configuration()
  private var files: [String] = []
  private var origins: [String: ConfigurationOrigin] = [:]
  private var problems: [ConfigurationProblem] = []
  /// Problems that are counted and not told.
  private var omitted = 0
  private var warnings: [String] = []

  mutating func read(_ path: String, mustExist: Bool) {
    do throws(ConfigurationProblem) {
      guard let file = try ConfigurationFile(at: path) else {
        if mustExist { problems.append(.unreadable(path: path, reason: "there is no such file")) }
        return
      }
      files.append(path)
      for entry in file.entries { take(entry, path) }
    } catch {
      problems.append(error)
    }
  }

  private mutating func take(_ entry: ConfigurationFile.Entry, _ path: String) {
    let origin = ConfigurationOrigin.file(path, line: entry.line)
    guard let setting = Setting.named(entry.key) else {
      if Setting.sections.contains(entry.key) {
        let form = "a section; indent the keys below it"
        wrong(entry.key, origin, entry.value.shown, form)
      } else {
        unknown(entry.key, origin)
      }
      return
    }
    if case .file(path, let line) = origins[entry.key] {
      problems.append(.conflict(key: entry.key, origin, reason: "line \(line) sets it already"))
      return
    }
    switch entry.value {
    case .one(let text):
      set(setting, [text], origin)
    case .several(let items) where setting.isList:
      set(setting, items.map(\.text), origin) { index in .file(path, line: items[index].line) }
    case .several, .other:
      wrong(entry.key, origin, entry.value.shown, setting.form)
    }
  }

  /// - Parameter place: where the value at an index stands, if not where the key does.
  mutating func set(
    _ setting: Setting, _ values: [String], _ origin: ConfigurationOrigin,
    place: (Int) -> ConfigurationOrigin? = { _ in nil }
  ) {
    origins[setting.name] = origin
    for index in setting.set(values, in: &configuration) {
      wrong(
        setting.name, place(index) ?? origin, "'\(TerminalText.escaped(String(values[index].prefix(64))))'",
        setting.form)
    }
  }

  mutating func unknown(_ key: String, _ origin: ConfigurationOrigin) {
    guard hasRoom() else { return }
    // A key of a section may stand there without it.
    let inSection = Setting.all.first { $0.name.hasSuffix(".\(key)") }?.name
    let similar = inSection ?? Spelling.closest(to: key, in: Setting.all.map(\.name))
    problems.append(.unknownKey(key, origin, similar: similar))
  }

  /// As many as anybody reads at once. A file of another kind has a problem a line.
  private static let maxProblems = 100

  /// Whether one more problem is told. It is counted if not.
  private mutating func hasRoom() -> Bool {
    guard problems.count >= Self.maxProblems else { return true }
    omitted += 1
    return false
  }

  private mutating func wrong(
    _ key: String, _ origin: ConfigurationOrigin, _ value: String, _ form: String
  ) {
    guard hasRoom() else { return }
    problems.append(.wrongValue(key: key, origin, value: value, form: form))
  }

  /// Orchestrators put variables of their own in a container (`DHTD_PORT` for a service of that
  /// name): those must not keep a node from running, and a typing error must not pass in silence.
  mutating func warnOfUnknownVariables(_ names: [String]) {
    let known = Set(Setting.all.map(\.variable))
    for name in names.sorted() where name.hasPrefix("DHTD_") && !known.contains(name) {
      let similar = Spelling.closest(to: name, in: known.sorted())
      warnings.append(
        "the environment variable \(TerminalText.escaped(name)) sets nothing"
          + (similar.map { "; did you mean \($0)?" } ?? ""))
    }
  }

  consuming func finish() throws(InvalidConfiguration) -> LoadedConfiguration {
    // What a file that cannot be read would have said, nobody knows.
    if !problems.contains(where: \.isOfFile) { problems += conflicts() }
    guard problems.isEmpty else { throw InvalidConfiguration(problems: problems, omitted: omitted) }
    if configuration.replicateInterval != Configuration().replicateInterval {
      warnings.append("replicate_interval has no effect in this version: nothing is replicated yet")
    }
    return LoadedConfiguration(configuration, files: files, warnings: warnings, origins: origins)
  }

  /// Values that are right by themselves and do not go together.
  private func conflicts() -> [ConfigurationProblem] {
    let wrong = Set(problems.compactMap(\.key))
    return configuration.conflicts.compactMap { conflict in
      guard wrong.isDisjoint(with: conflict.keys),
        // Whoever set one of them is told; nobody has set what is as it was built.
        let key = conflict.keys.first(where: { origins[$0] != nil }), let origin = origins[key]
      else { return nil }
      return .conflict(key: key, origin, reason: conflict.reason)
    }
  }
}

extension ConfigurationFile.Value {
  fileprivate var shown: String {
    switch self {
    case .one(let text): "'\(TerminalText.escaped(String(text.prefix(64))))'"
    case .several: "a list"
    case .other(let description): description
    }
  }
}

extension ConfigurationProblem {
  fileprivate var key: String? {
    switch self {
    case .wrongValue(let key, _, _, _), .conflict(let key, _, _): key
    case .unknownKey, .unreadable, .malformed: nil
    }
  }

  fileprivate var isOfFile: Bool {
    switch self {
    case .unreadable, .malformed: true
    case .unknownKey, .wrongValue, .conflict: false
    }
  }
}
