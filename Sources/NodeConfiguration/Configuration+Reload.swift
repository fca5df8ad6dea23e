/// A setting that has changed while the node runs.
package struct ConfigurationChange: Hashable, Sendable {
  /// The key.
  package let key: String
  /// The old and new values as text.
  package let old: String
  package let new: String
  /// True if the new value takes effect now. Otherwise it takes effect at the next start.
  package let isInForce: Bool
}

extension Configuration {
  /// Returns this configuration with the values of another that may change while a node runs.
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
