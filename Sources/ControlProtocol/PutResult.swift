/// What `put` and `delete` give back, and `quorum_failed` in its `data`.
package struct PutResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case publicKey = "public_key"
    case isWeak = "weak"
    case target, seq, expires, stored, replicas, silent, failures
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
  /// How many nodes should have the record and do not answer at present.
  package var silent: Int64
  /// True if fewer nodes confirmed than make a majority once the silent ones are back. A read may miss the record
  /// then.
  package var isWeak: Bool
  /// The nodes that did not confirm.
  package var failures: [PutFailure]

  /// The outcome of a put.
  package init(
    target: String, seq: Int64, expires: Int64, stored: Int64, replicas: Int64, silent: Int64 = 0,
    isWeak: Bool = false, failures: [PutFailure] = []
  ) {
    self.target = target
    self.seq = seq
    self.expires = expires
    self.stored = stored
    self.replicas = replicas
    self.silent = silent
    self.isWeak = isWeak
    self.failures = failures
  }
}

extension PutResult {
  /// Reads the result object.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    publicKey = try container.decodeIfPresent(String.self, forKey: .publicKey)
    target = try container.decode(String.self, forKey: .target)
    seq = try container.decode(Int64.self, forKey: .seq)
    expires = try container.decode(Int64.self, forKey: .expires)
    stored = try container.decode(Int64.self, forKey: .stored)
    replicas = try container.decode(Int64.self, forKey: .replicas)
    // A daemon of version 0.5 says neither.
    silent = try container.decodeIfPresent(Int64.self, forKey: .silent) ?? 0
    isWeak = try container.decodeIfPresent(Bool.self, forKey: .isWeak) ?? false
    failures = try container.decode([PutFailure].self, forKey: .failures)
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
