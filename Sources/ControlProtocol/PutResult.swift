/// What `put` and `delete` give back, and `quorum_failed` in its `data`.
package struct PutResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case publicKey = "public_key"
    case target, seq, expires, stored, replicas, failures
  }

  /// The key that signed the record, in hexadecimal digits, for a signed one.
  package var publicKey: String?
  /// Where the record belongs: 40 hexadecimal digits.
  package var target: String
  /// The version that was written.
  package var seq: Int64
  /// When the record expires, in seconds since the epoch.
  package var expires: Int64
  /// How many nodes confirmed; this one counts if it is among them.
  package var stored: Int64
  /// How many nodes were to store the record.
  package var replicas: Int64
  /// The nodes that did not.
  package var failures: [PutFailure]

  /// The outcome of a put.
  package init(
    target: String, seq: Int64, expires: Int64, stored: Int64, replicas: Int64,
    failures: [PutFailure] = []
  ) {
    self.target = target
    self.seq = seq
    self.expires = expires
    self.stored = stored
    self.replicas = replicas
    self.failures = failures
  }
}

/// A node that did not store a record, and why.
package struct PutFailure: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, reason
  }

  /// 40 hexadecimal digits; nil where the node is not known.
  package var nodeID: String?
  /// HOST:PORT; nil where it is not known.
  package var address: String?
  /// A few words; those of a remote node are its own.
  package var reason: String

  /// A refusal or a failure of one node.
  package init(nodeID: String?, address: String?, reason: String) {
    self.nodeID = nodeID
    self.address = address
    self.reason = reason
  }
}
