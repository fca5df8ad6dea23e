import ControlProtocol
import Glibc
import NodeRuntime
import Systemd

/// What keeps a dhtd from running, on one line: for the terminal of whoever started it, or for the
/// journal where a service manager did.
struct Complaint {
  private let text: String
  private let isWarning: Bool
  private let event: JournalEvent?

  /// - Parameters:
  ///   - text: on one line or on several: the parser's lists of choices, one a line, become words.
  ///   - event: by which it is found in the journal.
  init(_ text: String, isWarning: Bool = false, event: JournalEvent? = nil) {
    var line = ""
    for part in text.split(whereSeparator: \.isNewline) {
      let words = part.split(separator: " ")
      let isChoice = words.first == "-"
      if !line.isEmpty { line += isChoice && !line.hasSuffix(":") ? ", " : " " }
      line += words.dropFirst(isChoice ? 1 : 0).joined(separator: " ")
    }
    self.text = TerminalText.escaped(line)
    self.isWarning = isWarning
    self.event = event
  }

  /// Tells it.
  func tell() {
    if Journal.isStandardError(environment: ProcessEnvironment.all) {
      Journal.send(entry)
    } else {
      var line = "dhtd: \(text)\n"
      line.withUTF8 { bytes in
        _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
      }
    }
  }

  private var entry: JournalEntry {
    var entry = JournalEntry()
    entry.add("MESSAGE", text)
    entry.add("PRIORITY", isWarning ? "4" : "3")
    entry.add("SYSLOG_IDENTIFIER", "dhtd")
    if let event { entry.add("MESSAGE_ID", event.rawValue) }
    return entry
  }
}
