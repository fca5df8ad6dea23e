import NodeTime

/// Pings a bootstrap address or a lost contact now and then, so that the parts of a healed partition merge,
/// whichever nodes were on which side.
struct PartitionProbe: Job, ~Copyable {
  enum Purpose: Sendable {
    /// A ping to a bootstrap address or a lost contact.
    case ping
    /// Asks a contact that had been lost for the nodes near this one: it may be in another part of the
    /// network.
    case neighbours
  }

  /// The contacts that have left the table, the latest last.
  private(set) var lostContacts: [Peer] = []
  private var nextRun: Instant
  private var random: JobRandom

  init(_ now: Instant, _ parameters: Parameters, seed: UInt64) {
    nextRun = now + parameters.probeInterval
    random = JobRandom(seed: seed, .partitionProbe)
  }

  var nextDeadline: Instant? { nextRun }

  /// Remembers the contacts from before the start as lost. The latest come first.
  mutating func remember(_ peers: [Peer], _ shared: borrowing Shared) {
    for peer in peers.reversed() { noteLost(peer, shared) }
  }

  /// Stops probing a node that the user has forgotten.
  mutating func forget(_ id: NodeID) { lostContacts.removeAll { $0.id == id } }

  private mutating func noteLost(_ peer: Peer, _ shared: borrowing Shared) {
    lostContacts.removeAll { $0.id == peer.id }
    lostContacts.append(peer)
    if lostContacts.count > shared.parameters.lostContacts { lostContacts.removeFirst() }
  }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard nextRun <= now.monotonic else { return }
    nextRun = now.monotonic + random.jittered(shared.parameters.probeInterval)
    let addresses = shared.bootstrapAddresses
    let choices = addresses.count + lostContacts.count
    guard choices > 0 else { return }
    let choice = Int.random(in: 0..<choices, using: &random)
    if choice < addresses.count {
      out.append(.send(.ping, to: addresses[choice], expecting: nil, owner: .partitionProbe(.ping)))
    } else {
      let peer = lostContacts[choice - addresses.count]
      out.append(.send(.ping, to: peer.endpoint, expecting: peer.id, owner: .partitionProbe(.ping)))
    }
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch change {
    case .removed(let peer, hasFailed: true): noteLost(peer, shared)
    case .added(let peer, let isFirst, let owner, _):
      let wasLost = lostContacts.contains { $0.id == peer.id }
      if wasLost { lostContacts.removeAll { $0.id == peer.id } }
      // In this case the node looks its own ID up anyway.
      guard !Join.looksUpSelf(isFirst: isFirst, owner, shared) else { return }
      var isProbed = false
      if case .partitionProbe(.ping) = owner { isProbed = true }
      guard wasLost || isProbed else { return }
      // Most of these contacts have only been away. If every node that finds one of them again looked its own
      // ID up, those lookups would be most of the traffic, and all nodes that they reached would look for
      // records that this node missed.
      out.append(
        .send(
          .findNode(target: shared.id.neighbour), to: peer.endpoint, expecting: peer.id,
          owner: .partitionProbe(.neighbours)))
    case .removed, .returned, .bucketFull: break
    }
  }

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard case .neighbours = purpose, case .answered(let answer) = event.kind else { return }
    // Unknown nodes that would be among our closest belong to another part of the network.
    let closest = shared.table.closest(to: shared.id, count: shared.parameters.k)
    let limit = closest.count < shared.parameters.k ? nil : closest.last.map { shared.id.distance(to: $0.id) }
    for node in answer.response.nodes {
      let isClose = limit.map { shared.id.distance(to: node.id) < $0 } ?? true
      guard isClose, node.id != shared.id, shared.table.contact(node.id) == nil,
        !lostContacts.contains(where: { $0.id == node.id })
      else { continue }
      out.append(.notice(.merging(with: answer.peer)))
      out.append(.lookUpSelf)
      return
    }
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    nextRun = min(nextRun, now + shared.parameters.probeInterval)
    let limit = shared.parameters.lostContacts
    if lostContacts.count > limit { lostContacts.removeFirst(lostContacts.count - limit) }
  }
}
