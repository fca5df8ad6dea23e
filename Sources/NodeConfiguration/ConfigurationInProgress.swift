import ControlProtocol

/// A configuration that is being put together.
struct ConfigurationInProgress {
  private var configuration = Configuration()
  private var files: [String] = []
  private var origins: [String: ConfigurationOrigin] = [:]
  private var problems: [ConfigurationProblem] = []
  /// The number of problems that are not reported one by one.
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

  /// - Parameter place: the origin of the value at an index, if it differs from the key's.
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
    guard tryReport() else { return }
    // The key may lack its section.
    let inSection = Setting.all.first { $0.name.hasSuffix(".\(key)") }?.name
    let similar = inSection ?? Spelling.closest(to: key, in: Setting.all.map(\.name))
    problems.append(.unknownKey(key, origin, similar: similar))
  }

  /// The most problems that are reported. A file of another kind may have a problem in each line.
  private static let maxProblems = 100

  /// Counts a problem, which is reported if there are not too many.
  ///
  /// - Returns: whether the problem is to be reported.
  private mutating func tryReport() -> Bool {
    guard problems.count >= Self.maxProblems else { return true }
    omitted += 1
    return false
  }

  private mutating func wrong(
    _ key: String, _ origin: ConfigurationOrigin, _ value: String, _ form: String
  ) {
    guard tryReport() else { return }
    problems.append(.wrongValue(key: key, origin, value: value, form: form))
  }

  /// Warns of unknown variables. An orchestrator may set variables of its own (`DHTD_PORT` for a service of
  /// that name), which must not stop a node, and a typing error should be noticed.
  mutating func warnOfUnknownVariables(_ names: [String]) {
    let known = Set(Setting.all.map(\.variable))
    for name in names.sorted() where name.hasPrefix("DHTD_") && !known.contains(name) {
      let similar = Spelling.closest(to: name, in: known.sorted())
      warnings.append(
        "the environment variable \(TerminalText.escaped(name)) has no effect"
          + (similar.map { "; did you mean \($0)?" } ?? ""))
    }
  }

  consuming func finish() throws(InvalidConfiguration) -> LoadedConfiguration {
    // The values of a file that cannot be read are unknown, so conflicts are not checked.
    if !problems.contains(where: \.isOfFile) { problems += conflicts() }
    guard problems.isEmpty else { throw InvalidConfiguration(problems: problems, omitted: omitted) }
    return LoadedConfiguration(configuration, files: files, warnings: warnings, origins: origins)
  }

  /// The values that are valid by themselves and conflict with each other.
  private func conflicts() -> [ConfigurationProblem] {
    let wrong = Set(problems.compactMap(\.key))
    return configuration.conflicts.compactMap { conflict in
      guard wrong.isDisjoint(with: conflict.keys),
        // The problem is reported at a value that someone has set, because built-in values do not conflict.
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
