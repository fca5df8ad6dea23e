import CSystemd
import Glibc

/// Sends the state of a service to the service manager, in the protocol of sd_notify(3).
///
/// Without a service manager, nothing is sent and nothing fails.
package struct ServiceManager: Sendable {
  /// A message to the service manager.
  package enum Message: Hashable, Sendable {
    /// The service is up, or up again after it reloaded its configuration.
    case ready
    /// The service is reloading its configuration. `ready` ends this state.
    case reloading
    /// The service is stopping.
    case stopping
    /// A status line for people, which `systemctl status` shows.
    case status(String)
    /// The service is alive.
    case watchdog
    /// The current step, such as the start, takes at least this long from now, longer than the manager
    /// allows.
    case extendTimeout(Duration)
  }

  /// The address of the manager's socket; nil if there is none.
  private let address: UnixAddress?

  /// - Parameter environment: the environment variables of this process, of which `NOTIFY_SOCKET` names the
  ///   manager's socket.
  package init(environment: [String: String]) {
    address = environment["NOTIFY_SOCKET"].flatMap { UnixAddress(notifySocket: $0) }
  }

  /// Sends messages without waiting. libsystemd's own call would wait, and a manager that hangs would hang
  /// the node.
  ///
  /// - Returns: false if the manager has no room now, and the messages should be sent again.
  @discardableResult
  package func notify(_ messages: Message...) -> Bool { notify(messages) }

  /// Sends messages without waiting.
  @discardableResult
  package func notify(_ messages: [Message]) -> Bool {
    guard let address else { return true }
    let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = socket(AF_UNIX, Int32(kind), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // One datagram, so that the messages arrive together.
    let text = Array(messages.map(\.assignment).joined(separator: "\n").utf8)
    // The pointers to the text and the address are used only during the call.
    let sent = unsafe address.withSockAddr { pointer, length in
      unsafe sendto(descriptor, text, text.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), pointer, length)
    }
    // Either the manager or this machine has no room. Any other error would occur again.
    return sent >= 0 || ![EAGAIN, ENOBUFS, ENOMEM].contains(errno)
  }

  /// The time after which the service manager restarts a process without a `watchdog` message; nil if it
  /// does not.
  package var watchdogTimeout: Duration? {
    var microseconds: UInt64 = 0
    // libsystemd writes one number.
    guard unsafe sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return .microseconds(Int64(clamping: microseconds))
  }
}

extension ServiceManager.Message {
  /// The message in the format of sd_notify(3).
  package var assignment: String {
    switch self {
    case .ready: "READY=1"
    case .reloading: "RELOADING=1"
    case .stopping: "STOPPING=1"
    // A line feed would begin another assignment.
    case .status(let text): "STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " ")
    case .watchdog: "WATCHDOG=1"
    case .extendTimeout(let duration):
      "EXTEND_TIMEOUT_USEC=\(duration.components.seconds * 1_000_000)"
    }
  }
}

/// The address of a Unix-domain socket: a path, or an abstract name.
private struct UnixAddress: Sendable {
  /// The bytes of `sun_path` in use.
  private let path: [UInt8]

  /// - Parameter notifySocket: an absolute path, or `@` and an abstract name; nil for anything else.
  init?(notifySocket text: String) {
    var bytes = Array(text.utf8)
    guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
      (2...Self.capacity).contains(bytes.count)
    else { return nil }
    if first == UInt8(ascii: "@") { bytes[0] = 0 }
    path = bytes
  }

  private static let capacity = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// Gives the address to a closure, which must not keep the pointer.
  func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // `init` has checked that the path fits.
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    // An abstract name ends with the address, and a path with its NUL.
    let count = MemoryLayout<sa_family_t>.size + path.count + (path.first == 0 ? 0 : 1)
    // Every socket address begins with the fields of `sockaddr`, and the length is that of the used part.
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(count)) }
    }
  }
}
