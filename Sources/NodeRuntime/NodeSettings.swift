package import Kademlia
package import Sealing
package import Signatures

/// What a node runs with.
package struct NodeSettings: Sendable {
  /// Where the UDP sockets are bound.
  package enum Binding: Hashable, Sendable {
    /// IPv4 and IPv6 loopback; IPv6 is left out on a machine that has none.
    case loopback
    /// These IP addresses, at most one of each family.
    case addresses([String])
  }

  /// The node's ID.
  package var id: NodeID
  /// The key whose public half the ID is the SHA-1 of; nil for a node that proves nothing.
  package var identityKey: SigningKey?
  /// The UDP port of both families; 0 lets the system choose, for tests.
  package var port: UInt16
  /// Where the sockets are bound.
  package var binding: Binding
  /// Nodes to join through.
  package var bootstrap: [NodeName]
  /// Contacts from before, the latest first.
  package var savedContacts: [Peer] = []
  /// The core's numbers.
  package var parameters: Parameters
  /// The most bytes that records may take in memory, with their overhead.
  package var storeBytes: Int
  /// How many look-ups of names for clients may be under way.
  package var nameLookUps = 64
  /// The keys of the private network that it belongs to; nil in an open one.
  package var keyring: Keyring?
  /// The most sessions of other nodes that are remembered there.
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

/// Why a node could not start.
package enum NodeStartError: Error, Hashable, Sendable {
  case notAnAddress(String)
  case twoAddressesOfOneFamily(String)
  case portInUse(address: String, port: UInt16)
  case cannotBind(address: String, port: UInt16, reason: String)

  /// Whether it is what was asked for that is wrong, and not the machine.
  package var isUsage: Bool {
    switch self {
    case .notAnAddress, .twoAddressesOfOneFamily: true
    case .portInUse, .cannotBind: false
    }
  }
}

extension NodeStartError: CustomStringConvertible {
  /// One line for a person, with what to do next.
  package var description: String {
    switch self {
    case .notAnAddress(let text):
      "'\(text)' is not an IP address; --bind takes one such as 0.0.0.0 or ::"
    case .twoAddressesOfOneFamily(let text):
      "'\(text)' is a second address of its family; give --bind one IPv4 and one IPv6 address at most"
    case .portInUse(let address, let port):
      "UDP port \(port) on \(address) is in use, perhaps by another dhtd; stop it or choose another port"
    case .cannotBind(let address, let port, let reason):
      "cannot bind UDP port \(port) on \(address): \(reason); choose another --bind address or port"
    }
  }
}
