package import ControlProtocol
package import Kademlia

/// The configuration of a dhtd.
///
/// `Setting.all` has a setting for each value that people may change.
package struct Configuration: Sendable {
  /// The addresses that the UDP sockets are bound to.
  package var bind: [BindAddress] = [.loopback]
  /// Nodes to join through.
  package var bootstrap: [HostPort] = []
  /// The state directory; nil for the default of this instance.
  package var stateDirectory: String?
  /// The path of the control socket; nil for the default of this instance.
  package var controlSocket: String?
  /// The permissions of the control socket.
  package var controlMode = 0o660
  /// The group of the control socket. A missing default group, or one that the node may not use, is not an
  /// error.
  package var controlGroup = ControlLimits.defaultGroup
  /// The source of the node's ID.
  package var networkID = NodeIDSource.key
  /// The public IP address of the node as text; nil for the bound address.
  package var networkAddress: String?
  /// The name of the private network.
  package var networkName = "dhtd"
  /// The file with the keys of the private network; nil for a credential of the service manager. Without
  /// either, the network is open.
  package var networkKeys: String?
  /// The most sessions of other nodes that are remembered in a private network.
  package var networkSessions = 4_096
  /// The least severe level that is logged.
  package var logLevel = LogLevel.info
  /// The destination of log messages.
  package var logTarget = LogTarget.auto
  /// The writes of clients that are logged with the client's identity.
  package var logWrites = WriteLogging.limited
  /// Clients connected at the same time.
  package var clients = 64
  /// Requests of one client that run at the same time.
  package var clientRequests = ControlLimits.maxRequestsInFlight
  /// Requests of all clients that run at the same time.
  package var allRequests = 4096
  /// Name lookups for clients that run at the same time.
  package var nameLookUps = 64
  /// The parameters of the core.
  package var parameters = Parameters()
  /// The medium of the records.
  package var durability = Durability.disk
  /// The most bytes that records may take, on disk or in memory.
  package var storageBytes = 1 << 30

  package init() {}
}

/// An address to bind.
package enum BindAddress: Hashable, Sendable {
  /// IPv4 and IPv6 loopback. IPv6 is skipped on a machine without it.
  case loopback
  /// An IPv4 or IPv6 address, as text.
  case address(String)
}

/// The source of a node's ID.
package enum NodeIDSource: String, CaseIterable, Sendable {
  /// The public key of the node, so that it can prove the ID.
  case key
  /// The address of the node, as the public BitTorrent network requires (BEP 42).
  case bep42
}

/// The severity of a message, in swift-log's words.
package enum LogLevel: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

/// The destination of log messages.
package enum LogTarget: String, CaseIterable, Sendable {
  /// The journal if standard error is the journal; otherwise standard error.
  case auto
  case journal
  case stderr
}

/// The writes of clients that are logged.
package enum WriteLogging: String, CaseIterable, Sendable {
  /// Each write, up to a rate, and the number of writes beyond it.
  case limited
  /// Every write.
  case all
  /// No single write.
  case none
}

/// The durability of records.
package enum Durability: String, CaseIterable, Sendable {
  /// Records are lost when the node stops.
  case memory
  /// Records outlive the node: a confirmed record is on disk.
  case disk
}
