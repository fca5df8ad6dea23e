/// A configuration and the sources of its values.
package struct LoadedConfiguration: Sendable {
  /// The values.
  package let configuration: Configuration
  /// The files that were read, in their order.
  package let files: [String]
  /// Warnings that do not stop a node, one line each.
  package let warnings: [String]
  private let origins: [String: ConfigurationOrigin]

  init(
    _ configuration: Configuration, files: [String], warnings: [String],
    origins: [String: ConfigurationOrigin]
  ) {
    self.configuration = configuration
    self.files = files
    self.warnings = warnings
    self.origins = origins
  }

  /// The source of a setting's value.
  package func origin(of setting: Setting) -> ConfigurationOrigin { origins[setting.name] ?? .builtIn }
}
