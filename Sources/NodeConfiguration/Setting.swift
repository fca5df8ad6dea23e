/// A setting: its key, the form of its values, and its place in a configuration.
///
/// The manual page dhtd.yaml(5) and the README document each setting. A test compares them with this list.
package struct Setting: Sendable {
  /// The time when a new value takes effect.
  package enum Change: Hashable, Sendable {
    /// At the next reload.
    case atReload
    /// At the next start.
    case atStart
  }

  /// The key, with a dot between a section and its member: `storage.max_bytes`.
  package let name: String
  /// The form of a valid value; completes "is not …".
  package let form: String
  /// True if the setting takes several values.
  package let isList: Bool
  /// The time when a new value takes effect.
  package let change: Change
  /// Sets a value in a configuration; returns false if the value is invalid.
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

  /// Replaces the values of a configuration.
  ///
  /// - Returns: the indices of invalid values, which are skipped.
  package func set(_ values: [String], in configuration: inout Configuration) -> [Int] {
    empty(&configuration)
    return values.indices.filter { !assign(values[$0], &configuration) }
  }

  /// The values in a configuration as text; none for a path without a value.
  package func values(in configuration: Configuration) -> [String] { texts(configuration) }

  /// The environment variable of the setting: `DHTD_STORAGE_MAX_BYTES`.
  package var variable: String {
    "DHTD_" + name.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }
}
