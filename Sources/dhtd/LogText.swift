import ControlProtocol
import Logging

/// The text of a log message: the message, then its metadata.
///
///     joined the network  contacts=5
enum LogText {
  /// The line for a message. Control characters from the network are escaped, so that a terminal does not
  /// obey them.
  static func line(_ event: LogEvent) -> String {
    var line = "\(event.message)"
    // The ID of the event is only for searches.
    let shown = (event.metadata ?? [:]).filter { $0.key != "message_id" }.sorted { $0.key < $1.key }
    if !shown.isEmpty { line += " " }
    for (key, value) in shown { line += " \(key)=\(value)" }
    return TerminalText.escaped(line)
  }
}
