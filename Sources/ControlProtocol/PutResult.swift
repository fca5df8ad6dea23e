/// The result of `put` and `delete`, and part of the `data` of `quorum_failed`.
package struct PutResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case publicKey = "public_key"
    case isWeak = "weak"
    case target, seq, replaced, expires, stored, replicas, silent, refused, pending, failures
  }

  /// The public key that signed the record, in hexadecimal digits; nil for other kinds.
  package var publicKey: String?
  /// The target of the record: 40 hexadecimal digits.
  package var target: String
  /// The version that was written.
  package var seq: Int64
  /// The seq of the value that was found and replaced; 0 if none was found, and nil from a daemon that does not tell.
  package var replaced: Int64?
  /// The expiry time of the record, in seconds since the epoch.
  package var expires: Int64
  /// The number of nodes that confirmed, this one included if it stores the record.
  package var stored: Int64
  /// The number of nodes that should store the record.
  package var replicas: Int64
  /// The number of nodes that should have the record and do not answer at present.
  package var silent: Int64
  /// The number of nodes that answered and did not take the record.
  package var refused: Int64
  /// The number of nodes that were asked to store the record and have not answered yet. They may still store it.
  package var pending: Int64
  /// True if fewer nodes confirmed than make a majority once the silent ones are back. A read may miss the record
  /// then.
  package var isWeak: Bool
  /// The nodes that did not confirm.
  package var failures: [PutFailure]

  /// The outcome of a put.
  package init(
    target: String, seq: Int64, replaced: Int64? = nil, expires: Int64, stored: Int64, replicas: Int64,
    silent: Int64 = 0, refused: Int64 = 0, pending: Int64 = 0, isWeak: Bool = false,
    failures: [PutFailure] = []
  ) {
    self.target = target
    self.seq = seq
    self.replaced = replaced
    self.expires = expires
    self.stored = stored
    self.replicas = replicas
    self.silent = silent
    self.refused = refused
    self.pending = pending
    self.isWeak = isWeak
    self.failures = failures
  }
}

extension PutResult {
  /// Decodes the result object.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    publicKey = try container.decodeIfPresent(String.self, forKey: .publicKey)
    target = try container.decode(String.self, forKey: .target)
    seq = try container.decode(Int64.self, forKey: .seq)
    replaced = try container.decodeIfPresent(Int64.self, forKey: .replaced)
    expires = try container.decode(Int64.self, forKey: .expires)
    stored = try container.decode(Int64.self, forKey: .stored)
    replicas = try container.decode(Int64.self, forKey: .replicas)
    // A daemon of version 0.5 sends none of these.
    silent = try container.decodeIfPresent(Int64.self, forKey: .silent) ?? 0
    refused = try container.decodeIfPresent(Int64.self, forKey: .refused) ?? 0
    pending = try container.decodeIfPresent(Int64.self, forKey: .pending) ?? 0
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

  /// 40 hexadecimal digits; nil if the node is unknown.
  package var nodeID: String?
  /// The HOST:PORT of the node; nil if it is unknown.
  package var address: String?
  /// The reason in a few words. A remote node chooses its own words.
  package var reason: String

  /// A failure of a node.
  package init(nodeID: String?, address: String?, reason: String) {
    self.nodeID = nodeID
    self.address = address
    self.reason = reason
  }
}
