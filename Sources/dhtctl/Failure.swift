package import ControlProtocol

/// The exit status of the command.
package enum ExitStatus: Int32, Sendable {
  case done = 0
  case failed = 1
  case usage = 2
  case notFound = 3
  case conflict = 4
  case noDaemon = 5
}

/// The reason why a command failed. It ends the program, or a command of the shell.
package struct Failure: Error, Hashable, Sendable {
  /// The exit status of the program.
  package var status: ExitStatus
  /// A line that says what to do next.
  package var message: String
  /// The reason in snake_case, for programs.
  package var reason: String
  /// The daemon's error, if it sent one.
  package var error: ControlError?

  /// A failure of dhtctl itself.
  package init(_ status: ExitStatus, _ message: String, reason: String) {
    self.status = status
    self.message = message
    self.reason = reason
  }

  /// An error of the daemon.
  package init(_ error: ControlError) {
    self.status =
      switch error.code {
      case .notFound: .notFound
      case .conflict: .conflict
      default: .failed
      }
    self.message = Rendering.error(error)
    self.reason = error.data.reason
    self.error = error
  }

  /// An invalid command line.
  package static func usage(_ message: String) -> Failure { Failure(.usage, message, reason: "usage") }
}
