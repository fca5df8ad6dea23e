/// What `status` gives back. Counters begin at 0 when the daemon starts.
package struct StatusResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case recordKey = "record_key"
    case address, addresses, version, uptime, state, buckets
    case knownNodes = "known_nodes"
    case storedKeys = "stored_keys"
    case storedBytes = "stored_bytes"
    case storedTombstones = "stored_tombstones"
    case publishedKeys = "published_keys"
    case cachedKeys = "cached_keys"
    case cachedBytes = "cached_bytes"
    case storageUsed = "storage_used"
    case storageLimit = "storage_limit"
    case durability
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
    case recordsForged = "records_forged"
    case recordsDamaged = "records_damaged"
    case recordsExpired = "records_expired"
    case repairsSent = "repairs_sent"
    case replications
    case replicationsSkipped = "replications_skipped"
    case republications
    case publicationsFailed = "publications_failed"
    case handOffs = "hand_offs"
    case replicasSent = "replicas_sent"
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

  /// What becomes of the records when the daemon stops.
  package enum Durability: String, Codable, Hashable, Sendable {
    /// They are there again at the next start, and so is every confirmed one after a crash.
    case disk
    /// They are gone.
    case memory
  }

  /// 40 hexadecimal digits.
  package var nodeID = ""
  /// The public key that its signed records are read by, in hexadecimal digits.
  package var recordKey = ""
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
  /// Tombstones held here: deletions that hide older versions until those have expired everywhere.
  package var storedTombstones: Int64 = 0
  /// Keys whose last put or deletion was a client's of this node, which republishes them until they
  /// expire.
  package var publishedKeys: Int64 = 0
  /// Values that this node fetched for a client and keeps to answer gets with a `max_age`.
  package var cachedKeys: Int64 = 0
  /// Bytes of their keys and values.
  package var cachedBytes: Int64 = 0
  /// Bytes of storage in use, counted as the limit counts them.
  package var storageUsed: Int64 = 0
  /// Bytes of storage that records may take; over it, new ones are refused as `storage_full`.
  package var storageLimit: Int64 = 0
  /// What becomes of the records when the daemon stops.
  package var durability = Durability.memory
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
  /// Answers with a record that was not signed by its owner, or did not belong where it was said to.
  package var recordsForged: Int64 = 0
  /// Records found damaged in storage; they count as missing until another holder gives them back.
  package var recordsDamaged: Int64 = 0
  /// Records removed because their time was over.
  package var recordsExpired: Int64 = 0
  /// Read repairs sent to other nodes.
  package var repairsSent: Int64 = 0
  /// Records whose holders this node checked of its own accord.
  package var replications: Int64 = 0
  /// Records that were due to be checked and were not, for another node had just done it.
  package var replicationsSkipped: Int64 = 0
  /// Records that this node published and stored anew at the nodes closest to them.
  package var republications: Int64 = 0
  /// Puts of clients that were confirmed and could not be noted here: nobody republishes those.
  package var publicationsFailed: Int64 = 0
  /// Records offered to nodes that came or came back.
  package var handOffs: Int64 = 0
  /// Copies that upkeep (these three) gave to nodes that lacked them.
  package var replicasSent: Int64 = 0
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
