import ControlProtocol
import Glibc
import Systemd

/// What keeps a dhtd from running, on one line of standard error.
///
/// Where that is the journal, a mark of its severity goes before it (sd-daemon(3)). It is not sent to
/// the journal as messages are: of a process that ends at once, the journal may not learn any more
/// which unit it belonged to.
struct StartupError {
  private let text: String
  private let isWarning: Bool

  /// - Parameter text: on one line or on several: the parser's lists of choices, one a line, become
  ///   words.
  init(_ text: String, isWarning: Bool = false) {
    var line = ""
    for part in text.split(whereSeparator: \.isNewline) {
      let words = part.split(separator: " ")
      let isChoice = words.first == "-"
      if !line.isEmpty { line += isChoice && !line.hasSuffix(":") ? ", " : " " }
      line += words.dropFirst(isChoice ? 1 : 0).joined(separator: " ")
    }
    self.text = TerminalText.escaped(line)
    self.isWarning = isWarning
  }

  /// Prints it.
  func print() {
    let isJournal = Journal.isStandardError(environment: ProcessEnvironment.all)
    var line = (isJournal ? isWarning ? "<4>" : "<3>" : "dhtd: ") + text + "\n"
    line.withUTF8 { bytes in
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
