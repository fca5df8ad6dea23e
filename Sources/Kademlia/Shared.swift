import NodeTime

/// The state of a node that all its jobs read. Only the node's directive loop changes it.
struct Shared: ~Copyable {
  let identity: Node.Identity
  let records: any RecordReader
  var parameters: Parameters
  var table: RoutingTable
  var counters = Counters()
  /// The round trips of all peers together: the expectation for a peer that was never timed.
  var roundTrips = RoundTrip()
  var unresponsivePeers = UnresponsivePeers()
  var commits = CommitTable()
  var replications = ReplicationQueue()
  /// The bootstrap addresses as last looked up, without this node's own.
  var bootstrapAddresses: [Endpoint] = []
  /// True if the first join has ended, so that operations run.
  var isJoined = false

  init(_ now: Instant, identity: Node.Identity, parameters: Parameters, records: any RecordReader) {
    self.identity = identity
    self.records = records
    self.parameters = parameters
    table = RoutingTable(local: identity.id, parameters: parameters, now: now)
  }

  /// This node's ID.
  var id: NodeID { identity.id }

  /// This node as its own contact.
  var localPeer: Peer {
    Peer(id: id, endpoint: identity.endpoints.first ?? Endpoint(.v4(0), port: 0))
  }

  /// True if other nodes are asked to prove their identity.
  var asksForProofs: Bool { identity.key != nil && parameters.identity != .off }

  /// Returns whether this node can send to an address.
  func canSend(to endpoint: Endpoint) -> Bool {
    identity.families.contains(AddressFamilies(endpoint.address.family))
  }

  /// The node's knowledge of a peer before a lookup asks it.
  func knowledge(_ now: Instant, of id: NodeID) -> Lookup.PeerKnowledge {
    let expected = roundTrips.smoothed ?? .zero
    guard let contact = table.contact(id) else {
      return Lookup.PeerKnowledge(isQuestionable: unresponsivePeers.contains(now, id), roundTrip: expected)
    }
    return Lookup.PeerKnowledge(
      isQuestionable: contact.state == .questionable, roundTrip: contact.roundTrip.smoothed ?? expected)
  }
}
