/// What `peers` gives back: the contacts of the routing table.
package struct PeersResult: Codable, Hashable, Sendable {
  /// The contacts, as the daemon orders them.
  package var peers: [Peer]

  /// The contacts of the routing table.
  package init(peers: [Peer]) { self.peers = peers }
}

/// A contact of the routing table.
package struct Peer: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, addresses, bucket, rtt, age
    case lastSeen = "last_seen"
    case state, proven
  }

  /// How much a contact is trusted to answer.
  package enum State: String, Codable, Hashable, Sendable {
    /// Heard of lately.
    case good
    /// Silent for a while, or failed lately; to be pinged before it is counted on.
    case questionable
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// HOST:PORT of the address in use.
  package var address: String
  /// All addresses, where there is more than one.
  package var addresses: [String]?
  /// How many leading bits the ID shares with this node's.
  package var bucket: Int64
  /// Smoothed round trip in milliseconds; null where it was never measured.
  @NullIfNil package var rtt: Double?
  /// Seconds since the contact entered the table.
  package var age: Int64
  /// Seconds since the contact last answered.
  package var lastSeen: Int64
  /// How much the contact is trusted to answer.
  package var state: State
  /// Whether the contact has proven to have the key of its ID.
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
