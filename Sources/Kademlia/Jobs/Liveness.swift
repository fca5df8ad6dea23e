import NodeTime

/// Pings contacts that have been quiet: the one that has been quiet longest, the questionable ones, and the
/// neighbours. This node names its neighbours to others that look for the holders of a key.
struct Liveness: Job, ~Copyable {
  private var nextRun: Instant
  private var random: JobRandom

  init(_ now: Instant, _ parameters: Parameters, seed: UInt64) {
    nextRun = now + parameters.livenessInterval
    random = JobRandom(seed: seed, .liveness)
  }

  var nextDeadline: Instant? { nextRun }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard nextRun <= now.monotonic else { return }
    let parameters = shared.parameters
    var due = Array(shared.table.questionable.prefix(parameters.livenessChecks))
    let interval = due.isEmpty ? parameters.livenessInterval : parameters.livenessIntervalInDoubt
    nextRun = now.monotonic + random.jittered(interval)
    if due.isEmpty, let stalest = shared.table.stalest,
      now.monotonic.since(stalest.lastAnswered) >= parameters.livenessInterval / 2
    {
      due = [stalest]
    }
    if let neighbourhood = shared.table.deepestBuckets(holding: 2 * parameters.k) {
      for bucket in neighbourhood {
        due += shared.table.contacts(inBucket: bucket).filter { contact in
          now.monotonic.since(contact.lastAnswered) >= parameters.neighbourInterval
            && !due.contains { $0.id == contact.id }
        }
      }
    }
    for contact in due {
      out.append(.send(.ping, to: contact.endpoint, expecting: contact.id, owner: .liveness))
    }
  }

  /// Handles a query that is past its second soft timeout: questionable contacts are pinged soon.
  mutating func handleUnresponsive(_ now: Instant, _ shared: borrowing Shared) {
    nextRun = min(nextRun, now + shared.parameters.livenessIntervalInDoubt)
  }

  /// Handles a query of a contact. If the contact had stopped answering, it may be back. It is pinged at the
  /// address that we know, because another node may have sent the query.
  mutating func handleQuery(of contact: Contact, _ out: inout [Directive]) {
    guard contact.state == .questionable else { return }
    out.append(.tryPing(contact.peer, charged: contact.id, owner: .liveness))
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch change {
    case .added(let peer, _, let owner, _): askForNodes(peer, met: owner, shared, &out)
    case .bucketFull(_, let stalest, _):
      guard let contact = shared.table.contact(stalest.id),
        // A contact that was heard lately need not be asked again.
        now.monotonic.since(contact.lastAnswered) > shared.parameters.livenessInterval
      else { return }
      out.append(.tryPing(stalest, charged: stalest.id, owner: .liveness))
    case .returned, .removed: break
    }
  }

  /// Asks a new contact for nodes if it has answered nothing but a ping, which does not tell all that should be known
  /// of it: whether it keeps plain records, and its address in the other family.
  ///
  /// A neighbour counts for a key only once it has said that it keeps them: if it fell silent before, a read would not
  /// miss its vote.
  private func askForNodes(
    _ peer: Peer, met owner: QueryOwner, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard let contact = shared.table.contact(peer.id), !contact.keepsPlainRecords,
      let bucket = shared.id.distance(to: peer.id).bucketIndex
    else { return }
    let isNeighbour = shared.table.deepestBuckets(holding: 2 * shared.parameters.k)?.contains(bucket) == true
    let mayHaveOther = shared.identity.families == .all && contact.families != .all && owner.isVerification
    guard isNeighbour || mayHaveOther else { return }
    out.append(
      .send(.findNode(target: peer.id), to: peer.endpoint, expecting: peer.id, owner: .liveness))
  }

  mutating func parametersChanged(_ now: Instant, _ shared: borrowing Shared) {
    nextRun = min(nextRun, now + shared.parameters.livenessInterval)
  }
}
