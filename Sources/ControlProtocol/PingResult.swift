/// What `ping` gives back.
package struct PingResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, rtt
  }

  /// The ID of the node that answered: 40 hexadecimal digits.
  package var nodeID: String
  /// HOST:PORT that it answered from.
  package var address: String
  /// Round trip in milliseconds.
  package var rtt: Double

  /// An answer to a ping.
  package init(nodeID: String, address: String, rtt: Double) {
    self.nodeID = nodeID
    self.address = address
    self.rtt = rtt
  }
}
