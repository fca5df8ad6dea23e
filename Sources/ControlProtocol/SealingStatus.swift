/// The part of `status` that only a node of a private network has.
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
  /// The keys that open.
  package var keys: Int64 = 0
  /// The sessions of other nodes that are known; each begins one when it starts.
  package var sessions: Int64 = 0
  /// Datagrams that were opened.
  package var opened: Int64 = 0
  /// Datagrams dropped because they were not sealed.
  package var notSealed: Int64 = 0
  /// Datagrams dropped because no key of ours opens them.
  package var wrongKey: Int64 = 0
  /// Datagrams dropped because they had come before.
  package var replayed: Int64 = 0
  /// Datagrams dropped because they came from a clock that is too far from ours.
  package var untimely: Int64 = 0
  /// Datagrams of unknown senders dropped because too many of these came in one second.
  package var tooMany: Int64 = 0

  /// A private network of which nothing has come yet; set what is known.
  package init(network: String) { self.network = network }

  /// All that were dropped.
  package var dropped: Int64 {
    [notSealed, wrongKey, replayed, untimely, tooMany].reduce(0) {
      $0.addingReportingOverflow($1).partialValue
    }
  }
}
