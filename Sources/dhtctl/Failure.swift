package import ControlProtocol

/// What the command tells its caller when it ends.
package enum ExitStatus: Int32, Sendable {
  case done = 0
  case failed = 1
  case usage = 2
  case notFound = 3
  case conflict = 4
  case noDaemon = 5
}

/// Why a command did not do what it was asked; ends the program, or a line of the shell.
package struct Failure: Error, Hashable, Sendable {
  /// What the program ends with.
  package var status: ExitStatus
  /// One line for a person, which says what to do next.
  package var message: String
  /// A word for a machine.
  package var reason: String
  /// The daemon's own error, where it sent one.
  package var error: ControlError?

  /// A failure on this side of the socket.
  package init(_ status: ExitStatus, _ message: String, reason: String) {
    self.status = status
    self.message = message
    self.reason = reason
  }

  /// The daemon answered with an error.
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

  /// A command line that cannot be carried out.
  package static func usage(_ message: String) -> Failure { Failure(.usage, message, reason: "usage") }
}
