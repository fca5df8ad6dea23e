/// The part of `status` for a node of a private network.
package struct SealingStatus: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case network, keys, sessions, opened
    case notSealed = "not_sealed"
    case wrongKey = "wrong_key"
    case replayed, untimely
    case tooMany = "too_many"
  }

  /// The name of the network.
  package var network: String
  /// The number of keys.
  package var keys: Int64 = 0
  /// The number of known sessions of other nodes. Each node begins a session when it starts.
  package var sessions: Int64 = 0
  /// Datagrams that were decrypted.
  package var opened: Int64 = 0
  /// Datagrams dropped because they were not sealed.
  package var notSealed: Int64 = 0
  /// Datagrams dropped because no key decrypts them.
  package var wrongKey: Int64 = 0
  /// Datagrams dropped because they were received before.
  package var replayed: Int64 = 0
  /// Datagrams dropped because the sender's clock differs too much from this node's.
  package var untimely: Int64 = 0
  /// Datagrams of unknown senders dropped because too many came in one second.
  package var tooMany: Int64 = 0

  /// The status of a network from which nothing has been received.
  package init(network: String) { self.network = network }

  /// All dropped datagrams.
  package var dropped: Int64 {
    [notSealed, wrongKey, replayed, untimely, tooMany].reduce(0) {
      $0.addingReportingOverflow($1).partialValue
    }
  }
}
