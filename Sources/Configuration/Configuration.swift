import ControlProtocol
import Kademlia

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

/// What a record outlives.
package enum Durability: String, CaseIterable, Sendable {
  /// Records end with the node.
  case memory
  /// Records outlive it: what is confirmed is on the disk.
  case disk
}
