package import ControlProtocol
package import Kademlia

/// Everything about a node that can be set: what dhtd runs with.
///
/// `Setting.all` names its keys; there is one for each value here that people may change.
package struct Configuration: Sendable {
  /// The addresses that the UDP sockets are bound to.
  package var bind: [BindAddress] = [.loopback]
  /// Nodes to join through.
  package var bootstrap: [HostPort] = []
  /// Where the node keeps what outlives it; nil: the usual place of this instance.
  package var stateDirectory: String?
  /// Where clients find the node; nil: the usual place of this instance.
  package var controlSocket: String?
  /// Who may use the socket that the node makes: the permissions of its file.
  package var controlMode = 0o660
  /// The group of that file. Of the usual one it is no mistake that it does not exist, or that the node may
  /// not give it a file.
  package var controlGroup = ControlLimits.usualGroup
  /// What the node's ID is made from.
  package var networkID = NodeIDSource.key
  /// The IP address that others see the node at, as text; nil: the one that it is bound to.
  package var networkAddress: String?
  /// The name of the private network.
  package var networkName = "dhtd"
  /// The file with the keys of the private network; nil: a credential of the service manager, and without
  /// one the network is open.
  package var networkKeys: String?
  /// The most sessions of other nodes that are remembered in a private network.
  package var networkSessions = 4_096
  /// The least severe messages that are logged.
  package var logLevel = LogLevel.info
  /// Where messages go.
  package var logTarget = LogTarget.auto
  /// Which writes of clients are logged with who they are.
  package var logWrites = WriteLogging.limited
  /// Clients connected at the same time.
  package var clients = 64
  /// Requests of one client that are carried out at the same time.
  package var clientRequests = ControlLimits.maxRequestsInFlight
  /// Requests of all clients that are carried out at the same time.
  package var allRequests = 4096
  /// Look-ups of names for clients that are under way at the same time.
  package var nameLookUps = 64
  /// The core's numbers.
  package var parameters = Parameters()
  /// Where records are kept.
  package var durability = Durability.disk
  /// The most bytes that records may take, on the disk or in memory.
  package var storageBytes = 1 << 30

  package init() {}
}

/// An address to bind.
package enum BindAddress: Hashable, Sendable {
  /// IPv4 and IPv6 loopback; IPv6 is left out on a machine that has none.
  case loopback
  /// An IPv4 or IPv6 address, as text.
  case address(String)
}

/// What a node's ID is made from.
package enum NodeIDSource: String, CaseIterable, Sendable {
  /// The public half of its key, so that it can prove it.
  case key
  /// Its address, as the public BitTorrent network wants it (BEP 42).
  case bep42
}

/// How severe a message is, in the words of swift-log.
package enum LogLevel: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

/// Where messages go.
package enum LogTarget: String, CaseIterable, Sendable {
  /// The journal where standard error is the journal, else standard error.
  case auto
  case journal
  case stderr
}

/// Which writes of clients are logged.
package enum WriteLogging: String, CaseIterable, Sendable {
  /// Each, as long as they are few, and how many more there were.
  case limited
  /// Each.
  case all
  /// None by itself.
  case none
}

/// What a record outlives.
package enum Durability: String, CaseIterable, Sendable {
  /// Records end with the node.
  case memory
  /// Records outlive it: what is confirmed is on the disk.
  case disk
}
