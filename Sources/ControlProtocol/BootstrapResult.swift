/// The result of `bootstrap`: the nodes that answered.
package struct BootstrapResult: Codable, Hashable, Sendable {
  /// The nodes that answered at the addresses.
  package var nodes: [MetNode]

  /// A result with these nodes.
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
  /// The HOST:PORT that the node answered from.
  package var address: String

  /// A node that answered.
  package init(nodeID: String, address: String) {
    self.nodeID = nodeID
    self.address = address
  }
}
