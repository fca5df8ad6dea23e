import ControlProtocol

/// Formats the parser's error as one line that says what to do next.
package enum UsageMessage {
  /// - Parameters:
  ///   - error: the parser's message, on one line or several.
  ///   - arguments: the command line without the program's name.
  ///   - commands: the names of all commands.
  package static func text(_ error: String, arguments: [String], commands: [String]) -> String {
    let command = arguments.first { commands.contains($0) }
    // Without a command, the parser reports only an unexpected argument.
    if command == nil, error.contains("nexpected argument"), let word = firstWord(arguments) {
      return "unknown command '\(TerminalText.escaped(word))'; see 'dhtctl --help'"
    }
    let words = error.split(whereSeparator: \.isNewline)
    var line = TerminalText.escaped(words.joined(separator: " "))
    while line.hasSuffix(".") { line.removeLast() }
    if let first = line.first, first.isUppercase, !line.hasPrefix("DHTCTL") {
      line = first.lowercased() + line.dropFirst()
    }
    return "\(line); see 'dhtctl \(command.map { "\($0) " } ?? "")--help'"
  }

  /// The first argument that is neither an option nor an option's value.
  private static func firstWord(_ arguments: [String]) -> String? {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if ["-i", "--instance", "--socket", "--timeout"].contains(argument) {
        rest = rest.dropFirst()
      } else if !argument.hasPrefix("-") {
        return argument
      }
    }
    return nil
  }
}
