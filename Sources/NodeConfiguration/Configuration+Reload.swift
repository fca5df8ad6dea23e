/// What becomes of a configuration that has changed while its node runs.
package struct ConfigurationChange: Hashable, Sendable {
  /// The key.
  package let key: String
  /// The values before and now, as they are written.
  package let old: String
  package let new: String
  /// Whether the running node takes the new value; otherwise the next start does.
  package let isInForce: Bool
}

extension Configuration {
  /// This configuration with those values of another that may change while a node runs.
  package func reloaded(from new: Configuration) -> (Configuration, [ConfigurationChange]) {
    var result = self
    var changes: [ConfigurationChange] = []
    for setting in Setting.all {
      let values = (old: setting.values(in: self), new: setting.values(in: new))
      guard values.old != values.new else { continue }
      if setting.change == .atReload { _ = setting.set(values.new, in: &result) }
      changes.append(
        ConfigurationChange(
          key: setting.name, old: values.old.joined(separator: ", "),
          new: values.new.joined(separator: ", "), isInForce: setting.change == .atReload))
    }
    return (result, changes)
  }
}
