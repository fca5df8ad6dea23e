import CSystemd
import Glibc
import SystemPackage

/// The listening socket that a socket unit passes to this service (sd_listen_fds(3)).
package enum SocketActivation {
  /// Takes the Unix-domain stream socket that was passed to the service; nil if there is none.
  ///
  /// The caller must close it. A second call returns nil.
  ///
  /// - Throws: `SocketActivationError` if something else was passed, because the unit is then not what its
  ///   author meant.
  package static func takeControlSocket() throws(SocketActivationError) -> Int32? {
    let count = sd_listen_fds(1)
    guard count != 0 else { return nil }
    guard count > 0 else { throw .unreadable(reason: Errno(rawValue: -count).description) }
    guard count == 1 else { throw .tooMany(count) }
    let descriptor = SD_LISTEN_FDS_START
    guard sd_is_socket_unix(descriptor, Int32(SOCK_STREAM.rawValue), 1, nil, 0) > 0 else {
      throw .notAControlSocket
    }
    return descriptor
  }
}

/// The reason why a passed socket cannot be used.
package enum SocketActivationError: Error, Hashable, Sendable, CustomStringConvertible {
  case unreadable(reason: String)
  case tooMany(Int32)
  case notAControlSocket

  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .unreadable(let reason):
      "cannot use the sockets of the service manager: \(reason)"
    case .tooMany(let count):
      "the socket unit passes \(count) sockets; give it one ListenStream= line, for the control socket"
    case .notAControlSocket:
      "the socket unit does not pass a listening Unix-domain stream socket; "
        + "give it ListenStream= with a path"
    }
  }
}
