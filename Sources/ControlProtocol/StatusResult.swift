/// The result of `status`. Counters begin at 0 when the daemon starts.
package struct StatusResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case nodeID = "node_id"
    case recordKey = "record_key"
    case address, addresses, version, uptime, state, standing, buckets
    case silentNodes = "silent_nodes"
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
    case proofsAccepted = "proofs_accepted"
    case proofsRefused = "proofs_refused"
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
    case requestsRefused = "requests_refused"
    case requestsOverSourceLimit = "requests_over_source_limit"
    case requestsOverTotalLimit = "requests_over_total_limit"
    case answersWithheld = "answers_withheld"
    case storesOverLimit = "stores_over_limit"
    case sealing
  }

  /// The progress of the node.
  package enum State: String, Codable, Hashable, Sendable {
    /// The first join has not ended. Operations wait for it.
    case joining
    case ready
  }

  /// The place of the node in its network, as far as the node can tell.
  package enum Standing: String, Codable, Hashable, Sendable {
    /// The node knows no other node and was told of none: it is a network of its own.
    case onlyNode = "only_node"
    /// The node reaches most of the nodes that it had.
    case connected
    /// Most of the nodes that it had do not answer. Nothing is "not found" then, and puts are weak.
    case cutOff = "cut_off"
    /// The node has known others, or was told of some, and reaches none.
    case alone
  }

  /// The fate of the records when the daemon stops.
  package enum Durability: String, Codable, Hashable, Sendable {
    /// The records are kept. After a crash every confirmed record is there again.
    case disk
    /// The records are lost.
    case memory
  }

  /// 40 hexadecimal digits.
  package var nodeID = ""
  /// The public key of the node's signed records, in hexadecimal digits.
  package var recordKey = ""
  /// The HOST:PORT that the node is bound to: the first of `addresses`.
  package var address = ""
  /// Every HOST:PORT that the node is bound to.
  package var addresses: [String] = []
  /// The version of the daemon.
  package var version = ""
  /// Seconds since the daemon started.
  package var uptime: Int64 = 0
  /// The progress of the node.
  package var state = State.joining
  /// The place of the node in its network; nil from a daemon of version 0.5.
  package var standing: Standing?
  /// The number of nodes that this node had and that do not answer; nil from a daemon of version 0.5.
  package var silentNodes: Int64?
  /// The buckets with nodes, by index.
  package var buckets: [BucketStatus] = []
  /// Contacts in the routing table.
  package var knownNodes: Int64 = 0
  /// Records held by this node, without tombstones.
  package var storedKeys: Int64 = 0
  /// Bytes of their keys and values.
  package var storedBytes: Int64 = 0
  /// Tombstones held by this node: deletions that hide older versions until those have expired everywhere.
  package var storedTombstones: Int64 = 0
  /// Keys whose last put or deletion came from a client of this node, which republishes them until they
  /// expire.
  package var publishedKeys: Int64 = 0
  /// Values that this node fetched for a client and keeps for gets with a `max_age`.
  package var cachedKeys: Int64 = 0
  /// Bytes of their keys and values.
  package var cachedBytes: Int64 = 0
  /// Bytes of storage in use, as the limit counts them.
  package var storageUsed: Int64 = 0
  /// The most bytes that records may take. Beyond it, new records are refused as `storage_full`.
  package var storageLimit: Int64 = 0
  /// The fate of the records when the daemon stops.
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
  /// The network's round trip in milliseconds; null if it is unknown.
  @NullIfNil package var latency: Double? = nil
  /// Queries sent to other nodes.
  package var queriesSent: Int64 = 0
  /// Queries of other nodes that this node answered.
  package var queriesAnswered: Int64 = 0
  /// Queries that were not answered in time.
  package var queriesTimedOut: Int64 = 0
  /// Queries that were sent again because the answer was late.
  package var queriesResent: Int64 = 0
  /// Answers that belong to no query: late, from another address, or forged.
  package var strayAnswers: Int64 = 0
  /// Records that other nodes stored here.
  package var recordsStored: Int64 = 0
  /// Records of other nodes that were refused.
  package var recordsRefused: Int64 = 0
  /// Answers with a record that its owner did not sign, or that has another target.
  package var recordsForged: Int64 = 0
  /// Valid and invalid identity proofs of other nodes.
  package var proofsAccepted: Int64 = 0
  package var proofsRefused: Int64 = 0
  /// Records found damaged in the store. They count as missing until another holder returns them.
  package var recordsDamaged: Int64 = 0
  /// Records removed because they expired.
  package var recordsExpired: Int64 = 0
  /// Read repairs sent to other nodes.
  package var repairsSent: Int64 = 0
  /// Records whose holders this node checked during maintenance.
  package var replications: Int64 = 0
  /// Records that were due for a check and skipped because another node had just checked them.
  package var replicationsSkipped: Int64 = 0
  /// Records that this node published and stored again at the nodes closest to them.
  package var republications: Int64 = 0
  /// Confirmed puts of clients that could not be saved as publications. No node republishes them.
  package var publicationsFailed: Int64 = 0
  /// Records offered to new or returning nodes.
  package var handOffs: Int64 = 0
  /// Copies that replication, republication and hand-off gave to nodes that lacked them.
  package var replicasSent: Int64 = 0
  /// Datagrams that the system rejected.
  package var datagramsDropped: Int64 = 0
  /// Answers of other nodes to this node's queries.
  package var responsesReceived: Int64 = 0
  /// Datagrams that were not valid messages.
  package var datagramsMalformed: Int64 = 0
  /// Operations of clients that run or wait.
  package var pendingOperations: Int64 = 0
  /// Datagrams over a limit that were answered with an error. The error is sent only if it is no longer than
  /// the query.
  package var requestsRefused: Int64 = 0
  /// Datagrams that were dropped silently because their source had sent too many.
  package var requestsOverSourceLimit: Int64 = 0
  /// Datagrams that were dropped silently because all sources together had sent too many.
  package var requestsOverTotalLimit: Int64 = 0
  /// Answers that were withheld because the address of the query was not proven.
  package var answersWithheld: Int64 = 0
  /// Records of other nodes that were refused because an address had stored too many in a second.
  package var storesOverLimit: Int64 = 0
  /// The private network's status; nil in an open one.
  package var sealing: SealingStatus?

  /// The status of a node that has just started.
  package init() {}
}

/// A bucket of the routing table with nodes.
package struct BucketStatus: Codable, Hashable, Sendable {
  /// The number of leading bits that its nodes share with this node's ID, 0 to 159.
  package var index: Int64
  /// The number of its nodes.
  package var nodes: Int64

  /// A bucket with its number of nodes.
  package init(index: Int64, nodes: Int64) {
    self.index = index
    self.nodes = nodes
  }
}
