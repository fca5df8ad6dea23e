import ControlProtocol
import Logging

/// How a message reads: its words, and after them the metadata that came with it.
///
///     joined the network  contacts=5
enum LogText {
  /// One line. What came over the network is shown and not obeyed by a terminal.
  static func line(_ event: LogEvent) -> String {
    var line = "\(event.message)"
    // The ID of the event is for searches.
    let shown = (event.metadata ?? [:]).filter { $0.key != "message_id" }.sorted { $0.key < $1.key }
    if !shown.isEmpty { line += " " }
    for (key, value) in shown { line += " \(key)=\(value)" }
    return TerminalText.escaped(line)
  }
}
