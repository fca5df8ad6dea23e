/// The result of `ping`.
package struct PingResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, rtt
  }

  /// The ID of the node that answered: 40 hexadecimal digits.
  package var nodeID: String
  /// The HOST:PORT that the node answered from.
  package var address: String
  /// The round trip in milliseconds.
  package var rtt: Double

  /// An answer to a ping.
  package init(nodeID: String, address: String, rtt: Double) {
    self.nodeID = nodeID
    self.address = address
    self.rtt = rtt
  }
}
