import ControlProtocol
import Glibc
import Systemd

/// An error at the start or end of a dhtd, printed as one line on standard error.
///
/// If standard error is the journal, the line begins with its severity (sd-daemon(3)). It is not sent to the
/// journal as a message, because the journal may not learn the unit of a process that ends at once.
struct StartupError {
  private let text: String
  private let isWarning: Bool

  /// - Parameter text: one line or several. The parser's lists of choices, one a line, are joined into a
  ///   sentence.
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

  /// Prints the line.
  func print() {
    let isJournal = Journal.isStandardError(environment: ProcessEnvironment.all)
    var line = (isJournal ? isWarning ? "<4>" : "<3>" : "dhtd: ") + text + "\n"
    line.withUTF8 { bytes in
      // The pointer to the buffer is used only during the call.
      _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
