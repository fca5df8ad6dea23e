package import ControlProtocol

/// The sources of an instance's configuration. Each overrides those after it: options of the command line,
/// the environment, the instance's own file, and the file of all instances.
package struct ConfigurationSources: Sendable {
  /// An option of the command line that sets a key.
  package struct Option: Sendable {
    /// The name of the setting.
    package let key: String
    /// Its values.
    package let values: [String]
    /// The option in its written form.
    package let option: String

    package init(_ key: String, _ values: [String], option: String) {
      self.key = key
      self.values = values
      self.option = option
    }
  }

  /// The default file of all instances.
  package static let defaultFile = "/etc/dhtd/dhtd.yaml"

  private let files: [(path: String, mustExist: Bool)]
  private let environment: [String: String]
  private let options: [Option]

  /// - Parameters:
  ///   - instance: the instance, whose own file `PORT.yaml` is read beside that of all instances.
  ///   - file: a file that replaces `dhtd.yaml`, and must exist; nil for `dhtd.yaml`, if it exists.
  package init(
    instance: Instance, file: String?, environment: [String: String], options: [Option]
  ) {
    // The variable is not a setting. It names the file, as --config does.
    let variable = environment[Self.fileVariable]
    let named = file ?? (variable?.isEmpty == true ? nil : variable)
    let common = named ?? Self.defaultFile
    let directory = common.lastIndex(of: "/").map { common[...$0] } ?? ""
    let own = "\(directory)\(instance.port).yaml"
    // An option that names the instance's own file means that file alone.
    files = [(common, named != nil)] + (own == common ? [] : [(own, false)])
    self.environment = environment
    self.options = options
  }

  private static let fileVariable = "DHTD_CONFIG"

  /// Reads all sources.
  ///
  /// - Throws: `InvalidConfiguration` with all problems.
  package func load() throws(InvalidConfiguration) -> LoadedConfiguration {
    var configuration = ConfigurationInProgress()
    for (path, mustExist) in files { configuration.read(path, mustExist: mustExist) }
    for setting in Setting.all {
      guard let text = environment[setting.variable] else { continue }
      configuration.set(setting, words(text, of: setting), .variable(setting.variable))
    }
    for option in options {
      let origin = ConfigurationOrigin.option(option.option)
      guard let setting = Setting.named(option.key) else {
        configuration.unknown(option.key, origin)
        continue
      }
      // `--set bootstrap=` means no node; `--bootstrap ''` means a node with an empty name.
      let values = option.values.flatMap { $0.isEmpty ? [""] : words($0, of: setting) }
      configuration.set(setting, values.isEmpty && !setting.isList ? [""] : values, origin)
    }
    configuration.warnOfUnknownVariables(environment.keys.filter { $0 != Self.fileVariable })
    return try configuration.finish()
  }

  /// Outside a file, several values are written in one text.
  private func words(_ text: String, of setting: Setting) -> [String] {
    setting.isList ? text.split { $0 == "," || $0.isWhitespace }.map(String.init) : [text]
  }
}
