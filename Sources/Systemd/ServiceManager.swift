import CSystemd
import Glibc

/// What a service tells the service manager about itself, in the protocol of sd_notify(3).
///
/// Where no service manager listens, nothing happens and nothing fails.
package struct ServiceManager: Sendable {
  /// Something to tell.
  package enum Message: Hashable, Sendable {
    /// The service is up, or up again after it reloaded its configuration.
    case ready
    /// The configuration is being read again; `ready` ends that.
    case reloading
    /// The service goes down.
    case stopping
    /// One line for people, which `systemctl status` shows.
    case status(String)
    /// The service is alive.
    case watchdog
    /// What it does, such as its start, takes longer than the manager allows: at least this long from
    /// now.
    case extendTimeout(Duration)
  }

  /// The address of the socket at which the manager listens; nil if there is none.
  private let address: UnixAddress?

  /// - Parameter environment: the variables of this process; `NOTIFY_SOCKET` names the manager.
  package init(environment: [String: String]) {
    address = environment["NOTIFY_SOCKET"].flatMap { UnixAddress(notifySocket: $0) }
  }

  /// Tells the service manager, and never waits for it: libsystemd's own call would, and a manager
  /// that hangs would hang the node with it.
  ///
  /// - Returns: false if the manager has no room for it now, and it should be told again.
  @discardableResult
  package func notify(_ messages: Message...) -> Bool { notify(messages) }

  /// Tells the service manager the same way.
  @discardableResult
  package func notify(_ messages: [Message]) -> Bool {
    guard let address else { return true }
    let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = socket(AF_UNIX, Int32(kind), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // One datagram: what belongs together arrives together.
    let text = Array(messages.map(\.assignment).joined(separator: "\n").utf8)
    let sent = address.withSockAddr { pointer, length in
      sendto(descriptor, text, text.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL), pointer, length)
    }
    // It has no room, or this machine has none; anything else will not be better next time.
    return sent >= 0 || ![EAGAIN, ENOBUFS, ENOMEM].contains(errno)
  }

  /// How long the service manager waits for a `watchdog` before it ends this process and starts it
  /// again; nil if it does not.
  package var watchdogTimeout: Duration? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return .microseconds(Int64(clamping: microseconds))
  }
}

extension ServiceManager.Message {
  /// The message in the words of sd_notify(3).
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

/// The address of a Unix-domain socket: a path, or a name that is no file.
private struct UnixAddress: Sendable {
  /// The bytes of `sun_path` that count.
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

  func withSockAddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    // An abstract name ends where the address does, a path with its NUL.
    let count = MemoryLayout<sa_family_t>.size + path.count + (path.first == 0 ? 0 : 1)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(count)) }
    }
  }
}
