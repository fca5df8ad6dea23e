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
  var lostContacts = LostContacts()
  var reach = Reach()
  /// The place of this node in its network.
  var standing = Standing.onlyNode
  var commits = CommitTable()
  var replications = ReplicationQueue()
  /// The bootstrap addresses as last looked up, without this node's own.
  var bootstrapAddresses: [Endpoint] = []
  /// True if the first join has ended, so that operations run.
  var isJoined = false
  /// True until the neighbours of this node have given it what it should hold.
  var isNew = true

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
    !endpoint.isUnusable && identity.families.contains(AddressFamilies(endpoint.address.family))
  }

  /// Returns whether this node sends to an address that another node has named.
  func canSend(to endpoint: Endpoint, namedBy source: Endpoint) -> Bool {
    canSend(to: endpoint) && endpoint.isUsable(namedBy: source)
  }

  /// Returns whether a peer has left a query unanswered since it last answered.
  func isQuestionable(_ now: Instant, _ id: NodeID) -> Bool {
    table.contact(id).map { $0.state == .questionable } ?? unresponsivePeers.contains(now, id)
  }

  /// The node's knowledge of a peer before a lookup asks it.
  ///
  /// - Parameter kind: the kind of record that is looked for; nil if none is.
  func knowledge(_ now: Instant, of id: NodeID, keeping kind: RecordKind?) -> Lookup.PeerKnowledge {
    let expected = roundTrips.smoothed ?? .zero
    guard let contact = table.contact(id) else {
      let isQuestionable = unresponsivePeers.contains(now, id)
      guard isQuestionable, let kind, !lostContacts.isEmpty, let lost = lostContacts.entry(now, id) else {
        return Lookup.PeerKnowledge(isQuestionable: isQuestionable, roundTrip: expected)
      }
      return Lookup.PeerKnowledge(
        isQuestionable: true, roundTrip: expected, isMember: kind != .plain || lost.keepsPlainRecords)
    }
    return Lookup.PeerKnowledge(
      isQuestionable: contact.state == .questionable, roundTrip: contact.roundTrip.smoothed ?? expected,
      isMember: kind.map { contact.isMember(now, keeping: $0) } ?? false)
  }

  /// The nodes closest to a target that should keep a record of a kind, answered lately, and do not answer now.
  func silentMembers(_ now: Instant, closestTo target: NodeID, keeping kind: RecordKind) -> [Peer] {
    // Most of the time every contact answers.
    guard table.hasQuestionable || !lostContacts.isEmpty else { return [] }
    var silent = table.closest(to: target, count: parameters.k) {
      $0.state == .questionable && $0.isMember(now, keeping: kind)
    }.map(\.peer)
    guard !lostContacts.isEmpty else { return silent }
    for peer in lostContacts.members(now, keeping: kind) {
      let distance = target.distance(to: peer.id)
      if silent.count == parameters.k {
        guard let last = silent.last, distance < target.distance(to: last.id) else { continue }
        silent.removeLast()
      }
      silent.insert(
        peer, at: silent.firstIndex { distance < target.distance(to: $0.id) } ?? silent.count)
    }
    return silent
  }
}
