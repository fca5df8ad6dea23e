import Logging
import Synchronization

/// The log lines of a test.
final class CapturedLog: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let text: String
    let metadata: Logger.Metadata
  }

  private let captured = Mutex<[Line]>([])

  /// The lines so far.
  var lines: [Line] { captured.withLock(\.self) }

  /// The texts of the lines at `info` and above.
  var texts: [String] { lines.filter { $0.level >= .info }.map(\.text) }

  /// A logger whose lines are captured.
  var logger: Logger {
    Logger(label: "test") { _ in Handler(log: self) }
  }

  private struct Handler: LogHandler {
    let log: CapturedLog
    var logLevel = Logger.Level.debug
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let line = Line(level: event.level, text: "\(event.message)", metadata: event.metadata ?? [:])
      log.captured.withLock { $0.append(line) }
    }
  }
}
