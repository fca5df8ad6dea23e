package import Logging

/// Writes messages and their metadata to the journal. Each metadata value becomes a field that can be
/// searched.
///
/// The metadata `peer` becomes the field `DHT_PEER`, and so on. `message_id` becomes `MESSAGE_ID`, by which
/// the journal's catalog explains a message.
package struct JournalLogHandler: LogHandler {
  /// Formats a message and its metadata as a line for people.
  package typealias Text = @Sendable (LogEvent) -> String

  /// The metadata of all messages of a logger.
  package var metadata: Logger.Metadata = [:]
  private var ownLevel: Logger.Level?
  private let threshold: LogThreshold
  private let identifier: String
  private let text: Text

  /// - Parameters:
  ///   - identifier: the name that the journal shows before the messages, usually that of the program.
  ///   - threshold: the least severe level that is logged.
  package init(identifier: String, threshold: LogThreshold, text: @escaping Text) {
    self.identifier = identifier
    self.threshold = threshold
    self.text = text
  }

  /// The least severe level that is logged.
  package var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    Journal.send(entry(event))
  }

  /// The journal entry for a message.
  package func entry(_ event: LogEvent) -> JournalEntry {
    var entry = JournalEntry()
    entry.add("MESSAGE", text(event))
    entry.add("PRIORITY", Self.priority(event.level))
    entry.add("SYSLOG_IDENTIFIER", identifier)
    entry.add("CODE_FILE", event.file)
    entry.add("CODE_LINE", "\(event.line)")
    entry.add("CODE_FUNC", event.function)
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      entry.add(key == "message_id" ? "MESSAGE_ID" : "DHT_" + key.uppercased(), "\(value)")
    }
    return entry
  }

  /// The priority in syslog(3), which has no level below debug.
  private static func priority(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "7"
    case .info: "6"
    case .notice: "5"
    case .warning: "4"
    case .error: "3"
    case .critical: "2"
    }
  }
}
