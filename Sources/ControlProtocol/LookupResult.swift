/// What `lookup` gives back.
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

/// A node that a lookup ended at.
package struct LookupNode: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, rtt, held
  }

  /// 40 hexadecimal digits.
  package var nodeID: String
  /// HOST:PORT.
  package var address: String
  /// Round trip in milliseconds; nil where it was not measured, as for this node itself.
  package var rtt: Double?
  /// What the node, which may be this one, holds under the key; nil where it holds nothing or was not
  /// asked.
  package var held: HeldVersion?

  /// One of the closest nodes.
  package init(nodeID: String, address: String, rtt: Double? = nil, held: HeldVersion? = nil) {
    self.nodeID = nodeID
    self.address = address
    self.rtt = rtt
    self.held = held
  }
}

/// One query of a lookup.
package struct LookupStep: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case hop
    case nodeID = "node_id"
    case address, rtt, outcome, held
  }

  /// 1 for a node that was known at the start, one more than the node that told of it for any other.
  package var hop: Int64
  /// 40 hexadecimal digits.
  package var nodeID: String
  /// HOST:PORT.
  package var address: String
  /// Round trip in milliseconds; nil where no answer came.
  package var rtt: Double?
  /// A word in snake_case, such as `answered` or `silent`.
  package var outcome: String
  /// What the node holds under the key, as its answer told; nil where it holds nothing or was not asked.
  package var held: HeldVersion?

  /// A query and what became of it.
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
