import Logging
import NodeConfiguration
import Systemd

/// The destination of this process's log messages, and the least severe level.
struct Logs {
  /// The least severe level that is logged. A reload changes it.
  let threshold: LogThreshold

  /// Sends the messages of all loggers to the configured target. Call it once.
  ///
  /// - Throws: `NoJournal`.
  init(_ configuration: Configuration, environment: [String: String]) throws(NoJournal) {
    let threshold = LogThreshold(Logger.Level(configuration.logLevel))
    self.threshold = threshold
    let isToJournal =
      switch configuration.logTarget {
      case .auto: Journal.isStandardError(environment: environment)
      case .journal: true
      case .stderr: false
      }
    if configuration.logTarget == .journal, !Journal.isRunning { throw NoJournal() }
    LoggingSystem.bootstrap { _ in
      if isToJournal {
        JournalLogHandler(identifier: "dhtd", threshold: threshold, text: LogText.line)
      } else {
        StderrLogHandler(threshold: threshold)
      }
    }
  }
}

/// The journal was requested, but this machine has none.
struct NoJournal: Error, CustomStringConvertible {
  let description =
    "this machine has no journal; use --log-target stderr, or auto, which detects the journal"
}

extension Logger.Level {
  init(_ level: LogLevel) {
    self = Logger.Level(rawValue: level.rawValue) ?? .info
  }
}
