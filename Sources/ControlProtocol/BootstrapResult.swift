/// What `bootstrap` gives back: the nodes that were met.
package struct BootstrapResult: Codable, Hashable, Sendable {
  /// The nodes that answered at the addresses.
  package var nodes: [MetNode]

  /// The nodes that were met.
  package init(nodes: [MetNode]) { self.nodes = nodes }
}

/// A node that answered at a bootstrap address.
package struct MetNode: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// HOST:PORT that it answered from.
  package var address: String

  /// A node that answered.
  package init(nodeID: String, address: String) {
    self.nodeID = nodeID
    self.address = address
  }
}
