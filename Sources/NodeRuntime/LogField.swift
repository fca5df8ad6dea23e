package import Logging

/// The metadata fields of log messages. In the journal, `peer` becomes the field `DHT_PEER`, and so on.
package enum LogField: String, CaseIterable, Sendable {
  /// The ID of a journal event, which becomes the field `MESSAGE_ID`.
  case messageID = "message_id"
  /// The ID of this node, which every message carries.
  case nodeID = "node_id"
  /// The address of another node.
  case peer
  /// The ID of another node.
  case peerID = "peer_id"
  /// The name of a query in KRPC.
  case rpc
  /// The point that a query or request is about.
  case target
  /// The kind of a record.
  case kind
  /// The reason of a failure.
  case reason
  /// The number of contacts.
  case contacts
  /// The time until the next attempt.
  case retryAfter = "in"
  /// The configuration files.
  case config
  /// The number of keys of the private network.
  case keys
  /// The fingerprint of the key that encrypts.
  case sealingKey = "sealing_key"
  /// The process, the user ID and the user name of a client.
  case clientPID = "client_pid"
  case clientUID = "client_uid"
  case clientUser = "client_user"
}

extension Logger.Metadata {
  /// Metadata with these fields.
  package static func fields(_ fields: KeyValuePairs<LogField, Logger.MetadataValue>) -> Self {
    Self(uniqueKeysWithValues: fields.map { ($0.key.rawValue, $0.value) })
  }
}
