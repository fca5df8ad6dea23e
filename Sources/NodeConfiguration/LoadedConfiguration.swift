/// A configuration, and where each value of it comes from.
package struct LoadedConfiguration: Sendable {
  /// The values.
  package let configuration: Configuration
  /// The files that were there, as they were read.
  package let files: [String]
  /// What people should know, and what keeps no node from running: one line each.
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

  /// Where the value of a key comes from.
  package func origin(of setting: Setting) -> ConfigurationOrigin { origins[setting.name] ?? .builtIn }
}
