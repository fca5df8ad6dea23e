import CSystemd

/// What a service tells the service manager about itself (sd_notify(3)).
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
  }

  package init() {}

  /// Tells the service manager.
  package func notify(_ messages: Message...) { notify(messages) }

  /// Tells the service manager.
  package func notify(_ messages: [Message]) {
    // One datagram: what belongs together arrives together.
    _ = sd_notify(0, messages.map(\.assignment).joined(separator: "\n"))
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
    }
  }
}
