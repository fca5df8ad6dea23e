/// What `status` gives back. Counters begin at 0 when the daemon starts.
package struct StatusResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case address, addresses, version, uptime, state, buckets
    case knownNodes = "known_nodes"
    case storedKeys = "stored_keys"
    case storedBytes = "stored_bytes"
    case getsOK = "gets_ok"
    case getsNotFound = "gets_not_found"
    case getsFailed = "gets_failed"
    case putsOK = "puts_ok"
    case putsFailed = "puts_failed"
    case latency
    case queriesSent = "queries_sent"
    case queriesAnswered = "queries_answered"
    case queriesTimedOut = "queries_timed_out"
    case queriesResent = "queries_resent"
    case strayAnswers = "stray_answers"
    case recordsStored = "records_stored"
    case recordsRefused = "records_refused"
    case repairsSent = "repairs_sent"
    case datagramsDropped = "datagrams_dropped"
    case responsesReceived = "responses_received"
    case datagramsMalformed = "datagrams_malformed"
    case pendingOperations = "pending_operations"
  }

  /// How far the node has come.
  package enum State: String, Codable, Hashable, Sendable {
    /// The first join has not ended; operations wait for it.
    case joining
    case ready
  }

  /// 40 hexadecimal digits.
  package var nodeID = ""
  /// HOST:PORT that the node is bound to; the first of `addresses`.
  package var address = ""
  /// Every HOST:PORT that the node is bound to.
  package var addresses: [String] = []
  /// The version of the daemon.
  package var version = ""
  /// Seconds since the daemon started.
  package var uptime: Int64 = 0
  /// How far the node has come.
  package var state = State.joining
  /// The buckets that have nodes, by index.
  package var buckets: [BucketStatus] = []
  /// Contacts in the routing table.
  package var knownNodes: Int64 = 0
  /// Records held here, without tombstones.
  package var storedKeys: Int64 = 0
  /// Bytes of their keys and values.
  package var storedBytes: Int64 = 0
  /// Gets of clients that found a value.
  package var getsOK: Int64 = 0
  /// Gets of clients that found none.
  package var getsNotFound: Int64 = 0
  /// Gets of clients that got too few answers.
  package var getsFailed: Int64 = 0
  /// Puts and deletions of clients that a majority confirmed.
  package var putsOK: Int64 = 0
  /// Puts and deletions of clients that failed.
  package var putsFailed: Int64 = 0
  /// The network's round trip in milliseconds; null where it is not known.
  @NullIfNil package var latency: Double? = nil
  /// Queries sent to other nodes.
  package var queriesSent: Int64 = 0
  /// Queries of other nodes that were answered.
  package var queriesAnswered: Int64 = 0
  /// Queries sent that no answer came to in time.
  package var queriesTimedOut: Int64 = 0
  /// Queries sent once more, for their answer was late.
  package var queriesResent: Int64 = 0
  /// Answers that belong to no query: too late, from elsewhere, or made up.
  package var strayAnswers: Int64 = 0
  /// Records that other nodes stored here.
  package var recordsStored: Int64 = 0
  /// Records of other nodes that were refused.
  package var recordsRefused: Int64 = 0
  /// Read repairs sent to other nodes.
  package var repairsSent: Int64 = 0
  /// Datagrams that the system would not send.
  package var datagramsDropped: Int64 = 0
  /// Answers of other nodes to queries sent.
  package var responsesReceived: Int64 = 0
  /// Datagrams that were no message.
  package var datagramsMalformed: Int64 = 0
  /// Operations of clients that are being carried out.
  package var pendingOperations: Int64 = 0

  /// The state of a node that has just started; set what is known.
  package init() {}
}

/// A bucket of the routing table that has nodes.
package struct BucketStatus: Codable, Hashable, Sendable {
  /// How many leading bits its nodes share with this node's ID, 0 to 159.
  package var index: Int64
  /// How many nodes it holds.
  package var nodes: Int64

  /// A bucket with its number of nodes.
  package init(index: Int64, nodes: Int64) {
    self.index = index
    self.nodes = nodes
  }
}
