package import Kademlia
package import Sealing
package import Signatures

/// The settings of a node.
package struct NodeSettings: Sendable {
  /// The addresses that the UDP sockets are bound to.
  package enum Binding: Hashable, Sendable {
    /// IPv4 and IPv6 loopback. IPv6 is skipped on a machine without it.
    case loopback
    /// Up to one IP address of each family.
    case addresses([String])
  }

  /// The node's ID.
  package var id: NodeID
  /// The key whose public half the ID is the SHA-1 of; nil for a node that proves nothing.
  package var identityKey: SigningKey?
  /// True if the node's answers tell askers their addresses, as nodes with an ID of BEP 42 do.
  package var tellsAddresses = false
  /// The UDP port of both families; 0 lets the system choose, for tests.
  package var port: UInt16
  /// The addresses that the sockets are bound to.
  package var binding: Binding
  /// Nodes to join through.
  package var bootstrap: [NodeName]
  /// Contacts from the last run, the latest first.
  package var savedContacts: [Peer] = []
  /// The nodes that were not reached at the end of the last run.
  package var unreachable = UnreachableNodes()
  /// The parameters of the core.
  package var parameters: Parameters
  /// The most bytes that records may take in memory, with their overhead.
  package var storeBytes: Int
  /// The most name lookups that may run for clients.
  package var nameLookUps = 64
  /// The keys of the private network; nil in an open one.
  package var keyring: Keyring?
  /// The most sessions of other nodes that are remembered in a private network.
  package var maxSessions = Opener.defaultMaxSessions

  package init(
    id: NodeID, port: UInt16, binding: Binding = .loopback, bootstrap: [NodeName] = [],
    parameters: Parameters = Parameters(), storeBytes: Int = Self.defaultStoreBytes
  ) {
    self.id = id
    self.port = port
    self.binding = binding
    self.bootstrap = bootstrap
    self.parameters = parameters
    self.storeBytes = storeBytes
  }

  /// 256 MiB.
  package static let defaultStoreBytes = 256 << 20
}

/// The reason why a node could not start.
package enum NodeStartError: Error, Hashable, Sendable {
  case notAnAddress(String)
  case twoAddressesOfOneFamily(String)
  case portInUse(address: String, port: UInt16)
  case cannotBind(address: String, port: UInt16, reason: String)

  /// True if the settings are wrong, and not the machine.
  package var isUsage: Bool {
    switch self {
    case .notAnAddress, .twoAddressesOfOneFamily: true
    case .portInUse, .cannotBind: false
    }
  }
}

extension NodeStartError: CustomStringConvertible {
  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .notAnAddress(let text):
      "'\(text)' is not an IP address; --bind takes one such as 0.0.0.0 or ::"
    case .twoAddressesOfOneFamily(let text):
      "'\(text)' is a second address of its family; give --bind at most one IPv4 and one IPv6 address"
    case .portInUse(let address, let port):
      "UDP port \(port) on \(address) is in use, perhaps by another dhtd; stop it or choose another port"
    case .cannotBind(let address, let port, let reason):
      "cannot bind UDP port \(port) on \(address): \(reason); choose another --bind address or port"
    }
  }
}
