import CSystemd
import Glibc
import SystemPackage

/// The listening socket that a socket unit may have made for this service (sd_listen_fds(3)).
package enum SocketActivation {
  /// Takes the Unix-domain stream socket that was handed over; nil if none was.
  ///
  /// Whoever takes it closes it. It is offered once: a second call gives nil.
  ///
  /// - Throws: `SocketActivationError` where something else was handed over, for then the unit does
  ///   not say what its author meant.
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

/// Why a socket that was handed over is of no use.
package enum SocketActivationError: Error, Hashable, Sendable, CustomStringConvertible {
  case unreadable(reason: String)
  case tooMany(Int32)
  case notAControlSocket

  /// One line for a person, with what to do next.
  package var description: String {
    switch self {
    case .unreadable(let reason):
      "the sockets that the service manager handed over cannot be used: \(reason)"
    case .tooMany(let count):
      "the socket unit hands over \(count) sockets; give it one ListenStream= line, the control socket's"
    case .notAControlSocket:
      "the socket unit hands over something else than a listening Unix-domain stream socket; "
        + "give it ListenStream= with a path"
    }
  }
}
