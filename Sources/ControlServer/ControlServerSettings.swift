/// The numbers that a control server works by; they may change while it runs.
package struct ControlServerSettings: Hashable, Sendable {
  /// Which writes of clients are logged, at the level `info`.
  package enum WriteLogging: Hashable, Sendable {
    /// Each, as long as they are few, and how many more there were.
    case limited
    /// Each.
    case all
    /// None by itself.
    case none
  }

  /// Clients connected at the same time.
  package var clients = 64
  /// Requests of one client that are carried out at the same time; one more is not read before another has
  /// been answered.
  package var requestsPerClient = 256
  /// Requests of all clients that are carried out at the same time; one more is refused as busy.
  package var requests = 4096
  /// Which writes of clients are logged.
  package var writeLogging = WriteLogging.limited

  package init() {}
}
