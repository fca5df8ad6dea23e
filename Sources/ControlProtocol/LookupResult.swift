/// The result of `lookup`.
package struct LookupResult: Codable, Hashable, Sendable {
  /// The point that was looked up: 40 hexadecimal digits.
  package var target: String
  /// The K closest live nodes, the closest first.
  package var closest: [LookupNode]
  /// The queries, in the order in which they were sent.
  package var steps: [LookupStep]

  /// The outcome of a lookup.
  package init(target: String, closest: [LookupNode], steps: [LookupStep]) {
    self.target = target
    self.closest = closest
    self.steps = steps
  }
}

/// A node that a lookup found.
package struct LookupNode: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, rtt, held
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// The HOST:PORT of the node.
  package var address: String
  /// The round trip in milliseconds; nil if it was not measured, as for this node itself.
  package var rtt: Double?
  /// The version that the node holds under the key; nil if it holds none or was not asked.
  package var held: HeldVersion?

  /// A node among the closest.
  package init(nodeID: String, address: String, rtt: Double? = nil, held: HeldVersion? = nil) {
    self.nodeID = nodeID
    self.address = address
    self.rtt = rtt
    self.held = held
  }
}

/// A query of a lookup.
package struct LookupStep: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case hop
    case nodeID = "node_id"
    case address, rtt, outcome, held
  }

  /// The hop: 1 for a node known at the start, otherwise one more than that of the node that returned it.
  package var hop: Int64
  /// 40 hexadecimal digits.
  package var nodeID: String
  /// The HOST:PORT of the node.
  package var address: String
  /// The round trip in milliseconds; nil without an answer.
  package var rtt: Double?
  /// A name in snake_case, such as `answered` or `silent`.
  package var outcome: String
  /// The version that the node reported for the key; nil if it holds none or was not asked.
  package var held: HeldVersion?

  /// A query and its outcome.
  package init(
    hop: Int64, nodeID: String, address: String, rtt: Double? = nil, outcome: String,
    held: HeldVersion? = nil
  ) {
    self.hop = hop
    self.nodeID = nodeID
    self.address = address
    self.rtt = rtt
    self.outcome = outcome
    self.held = held
  }
}
