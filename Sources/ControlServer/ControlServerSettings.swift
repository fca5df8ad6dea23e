/// The limits of a control server. They may change while it runs.
package struct ControlServerSettings: Hashable, Sendable {
  /// The writes of clients that are logged at the level `info`.
  package enum WriteLogging: Hashable, Sendable {
    /// Each write, up to a rate, and the number of writes beyond it.
    case limited
    /// Every write.
    case all
    /// No single write.
    case none
  }

  /// Clients connected at the same time.
  package var clients = 64
  /// Requests of one client that are carried out at the same time; one more is not read before another has
  /// been answered.
  package var requestsPerClient = 256
  /// Requests of all clients that are carried out at the same time; one more is refused as busy.
  package var requests = 4096
  /// The writes that are logged.
  package var writeLogging = WriteLogging.limited

  package init() {}
}
