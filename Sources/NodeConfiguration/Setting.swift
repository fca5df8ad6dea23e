/// One key of the configuration: its name, what it takes, and what it means.
///
/// The manual page dhtd.yaml(5) and the README tell of each of these; a test holds them against
/// this list.
package struct Setting: Sendable {
  /// Whether a running node takes a new value.
  package enum Change: Hashable, Sendable {
    /// With the next reload.
    case atReload
    /// Only when it starts.
    case atStart
  }

  /// The key as it is written, with a dot between a section and what is in it: `storage.max_bytes`.
  package let name: String
  /// What a right value looks like: completes "is not …".
  package let form: String
  /// Whether it takes several values.
  package let isList: Bool
  /// When a new value counts.
  package let change: Change
  /// Puts values into a configuration; false for one that is not of the form.
  private let assign: @Sendable (_ text: String, inout Configuration) -> Bool
  private let empty: @Sendable (inout Configuration) -> Void
  private let texts: @Sendable (Configuration) -> [String]

  /// A setting of one value.
  init<Value>(
    _ name: String, _ path: any WritableKeyPath<Configuration, Value> & Sendable,
    _ kind: SettingKind<Value>, _ change: Change = .atReload
  ) {
    self.name = name
    self.form = kind.form
    self.isList = false
    self.change = change
    assign = { text, configuration in
      guard let value = kind.read(text) else { return false }
      configuration[keyPath: path] = value
      return true
    }
    empty = { _ in }
    texts = { [kind.write($0[keyPath: path])].filter { !$0.isEmpty } }
  }

  /// A setting of several values.
  init<Value>(
    _ name: String, listOf path: any WritableKeyPath<Configuration, [Value]> & Sendable,
    _ kind: SettingKind<Value>, _ change: Change = .atReload
  ) {
    self.name = name
    self.form = kind.form
    self.isList = true
    self.change = change
    assign = { text, configuration in
      guard let value = kind.read(text) else { return false }
      configuration[keyPath: path].append(value)
      return true
    }
    empty = { $0[keyPath: path] = [] }
    texts = { $0[keyPath: path].map(kind.write) }
  }

  /// Takes the place of whatever value the configuration had.
  ///
  /// - Returns: which of the values are not of the form; those are passed over.
  package func set(_ values: [String], in configuration: inout Configuration) -> [Int] {
    empty(&configuration)
    return values.indices.filter { !assign(values[$0], &configuration) }
  }

  /// The values in a configuration, as they are written; none for a place that nobody has named.
  package func values(in configuration: Configuration) -> [String] { texts(configuration) }

  /// The name of the variable that sets it: `DHTD_STORAGE_MAX_BYTES`.
  package var variable: String {
    "DHTD_" + name.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }
}
