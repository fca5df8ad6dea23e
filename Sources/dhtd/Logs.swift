import Logging
import NodeConfiguration
import Systemd

/// Where the messages of this process go, and which.
struct Logs {
  /// The least severe messages that are written; it changes with a reload.
  let threshold: LogThreshold

  /// Sends the messages of all loggers where the configuration wants them, for good.
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

/// The journal was asked for, and there is none.
struct NoJournal: Error, CustomStringConvertible {
  let description =
    "there is no journal on this machine to log to; use --log-target stderr, or auto, which finds out"
}

extension Logger.Level {
  init(_ level: LogLevel) {
    self = Logger.Level(rawValue: level.rawValue) ?? .info
  }
}
