import ControlProtocol

/// The parser's complaint as one line that says what to do next.
package enum UsageMessage {
  /// - Parameters:
  ///   - complaint: what the parser says, on one line or on several.
  ///   - arguments: the command line without the program's name.
  ///   - commands: the names of the commands that there are.
  package static func text(_ complaint: String, arguments: [String], commands: [String]) -> String {
    let command = arguments.first { commands.contains($0) }
    // Without a command the parser can only tell that there is a word too many.
    if command == nil, complaint.contains("nexpected argument"), let word = firstWord(arguments) {
      return "unknown command '\(TerminalText.escaped(word))'; see 'dhtctl --help'"
    }
    let words = complaint.split(whereSeparator: \.isNewline)
    var line = TerminalText.escaped(words.joined(separator: " "))
    while line.hasSuffix(".") { line.removeLast() }
    if let first = line.first, first.isUppercase, !line.hasPrefix("DHTCTL") {
      line = first.lowercased() + line.dropFirst()
    }
    return "\(line); see 'dhtctl \(command.map { "\($0) " } ?? "")--help'"
  }

  /// The first argument that is neither an option nor the value of one.
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
