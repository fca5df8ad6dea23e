/// The result of `peers`: the contacts of the routing table.
package struct PeersResult: Codable, Hashable, Sendable {
  /// The contacts, in the daemon's order.
  package var peers: [ControlPeer]

  /// The nodes that this node had and that do not answer; nil from a daemon of version 0.5.
  package var silent: [SilentPeer]?

  /// The contacts of the routing table, and the silent nodes.
  package init(peers: [ControlPeer], silent: [SilentPeer]? = nil) {
    self.peers = peers
    self.silent = silent
  }
}

/// A node that a daemon had and that does not answer.
package struct SilentPeer: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address
    case silentFor = "silent_for"
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// The HOST:PORT at which it last answered.
  package var address: String
  /// Seconds since it fell silent, or since the daemon started.
  package var silentFor: Int64

  /// A silent node.
  package init(nodeID: String, address: String, silentFor: Int64) {
    self.nodeID = nodeID
    self.address = address
    self.silentFor = silentFor
  }
}

/// A contact of the routing table.
package struct ControlPeer: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, addresses, bucket, rtt, age
    case lastSeen = "last_seen"
    case state, proven
  }

  /// The liveness of a contact.
  package enum State: String, Codable, Hashable, Sendable {
    /// The contact answered recently.
    case good
    /// The contact has been unresponsive for a while, or failed recently. It is pinged before it is relied
    /// on.
    case questionable
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// The HOST:PORT of the address in use.
  package var address: String
  /// All addresses, if there is more than one.
  package var addresses: [String]?
  /// The number of leading bits that the ID shares with this node's.
  package var bucket: Int64
  /// The smoothed round trip in milliseconds; null if it was never measured.
  @NullIfNil package var rtt: Double?
  /// Seconds since the contact entered the table.
  package var age: Int64
  /// Seconds since the contact last answered.
  package var lastSeen: Int64
  /// The liveness of the contact.
  package var state: State
  /// True if the contact has proven its ID.
  package var proven: Bool

  /// A contact.
  package init(
    nodeID: String, address: String, addresses: [String]? = nil, bucket: Int64, rtt: Double?,
    age: Int64, lastSeen: Int64, state: State, proven: Bool = false
  ) {
    self.proven = proven
    self.nodeID = nodeID
    self.address = address
    self.addresses = addresses
    self.bucket = bucket
    self.rtt = rtt
    self.age = age
    self.lastSeen = lastSeen
    self.state = state
  }
}
