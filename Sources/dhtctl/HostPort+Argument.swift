import ArgumentParser
import ControlProtocol

extension HostPort {
  /// Parses a command-line argument, and throws a usage error for a malformed one.
  @Sendable static func argument(_ text: String) throws -> HostPort {
    do {
      return try HostPort(text)
    } catch {
      throw ValidationError(error.description)
    }
  }
}
