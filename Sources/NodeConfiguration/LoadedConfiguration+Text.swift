extension LoadedConfiguration {
  /// The configuration as YAML that `--config` can read, with the source of each value.
  ///
  /// - Parameters:
  ///   - stateDirectory: the default state directory.
  ///   - controlSocket: the default control socket.
  package func yaml(stateDirectory: String?, controlSocket: String?) -> String {
    var configuration = configuration
    configuration.stateDirectory = configuration.stateDirectory ?? stateDirectory
    configuration.controlSocket = configuration.controlSocket ?? controlSocket
    var lines: [String] = []
    var section: Substring?
    for setting in Setting.all {
      let values = setting.values(in: configuration)
      // A path without a value or default has no line.
      guard setting.isList || !values.isEmpty else { continue }
      let parts = setting.name.split(separator: ".", maxSplits: 1)
      let ownSection = parts.count > 1 ? parts.first : nil
      if ownSection != section, let ownSection { lines.append("\(ownSection):") }
      section = ownSection
      let texts = values.map(Self.scalar)
      let value = setting.isList ? "[\(texts.joined(separator: ", "))]" : texts.joined()
      lines.append(
        "\(section == nil ? "" : "  ")\(parts.last ?? ""): \(value)  # \(origin(of: setting))")
    }
    return lines.map { "\($0)\n" }.joined()
  }

  /// Plain if YAML reads the text back unchanged; otherwise in double quotes.
  private static func scalar(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"),
        UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    if isPlain, let first = text.utf8.first, first != UInt8(ascii: "-") { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
