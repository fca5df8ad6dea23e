import NodeTime

/// Offers a node that arrives or returns the records that it should hold. Each record is offered by one of
/// the nodes that held it before: the one closest to it. If a node has left, the same holder has the records
/// of that node replicated, without waiting for the round.
///
/// Each node that arrives has a pass through the records of its own. Several passes run at once, each at its
/// own pace, so that a slow node delays no other.
struct HandOff: Job, ~Copyable {
  enum Purpose: Sendable {
    /// Asks a node which version of a record it has.
    case offer(RecordID)
    /// Asks for the newer version that the node has.
    case fetchNewer(RecordID)
  }

  private var queue = ArrivalQueue()
  private var passes: [HandOffPass] = []
  private var nextStep: Instant?

  private static let passesAtOnce = 8
  /// The pause between two steps of the passes.
  private static let pause: Duration = .milliseconds(100)
  /// The most offers to one node that may wait for an answer.
  static let offersAtOnce = 32
  /// The number of records that one step of one pass looks at.
  private static let recordsAtOnce = 64

  var nextDeadline: Instant? { nextStep }

  /// The number of offers that have not been answered yet.
  var offers: Int { passes.reduce(0) { $0 + $1.offers } }

  /// Notes the start of this node: for a while, every node that it meets was there before it.
  mutating func start(_ now: Instant) { queue.start(now) }

  // MARK: - Arrivals and departures

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    let time = now.monotonic
    switch change {
    case .added(let peer, _, _, _):
      queue.handleArrival(time, of: peer, isOffered: mayBeOffered(time, peer.id, shared))
    case .returned(let peer):
      // The contact may have missed what was stored while it did not answer.
      guard mayBeOffered(time, peer.id, shared) else { return }
      queue.enqueue(time, peer, notBefore: shared.parameters.repairInterval)
    case .bucketFull(let peer, _, .verification):
      // The table has no place for the node, but there may be records that it should hold.
      guard mayBeOffered(time, peer.id, shared) else { return }
      queue.enqueue(time, peer, notBefore: ArrivalQueue.shortestInterval)
    case .bucketFull: return
    case .removed(let peer, _):
      guard mayBeOffered(time, peer.id, shared) else { return }
      passes.removeAll { $0.recipient?.id == peer.id }
      queue.handleDeparture(time, of: peer.id)
    }
    plan(time)
  }

  /// Handles a contact that looks its own ID up. It has just started, or has met a part of the network that
  /// it did not know. It may have missed what was stored there meanwhile.
  mutating func handleAnnouncement(_ now: Instant, of peer: Peer, _ shared: borrowing Shared) {
    guard mayBeOffered(now, peer.id, shared) else { return }
    queue.enqueue(now, peer, notBefore: ArrivalQueue.shortestInterval)
    plan(now)
  }

  /// Returns whether a node that is new has been offered all that this node has for it. A contact that has not had
  /// a pass gets one.
  mutating func hasHandedOver(_ now: Instant, to peer: Peer, _ shared: borrowing Shared) -> Bool {
    guard shared.records.usage.records > 0, mayBeOffered(now, peer.id, shared) else { return true }
    if passes.contains(where: { $0.recipient?.id == peer.id }) { return false }
    if queue.isWaiting(now, peer.id) {
      queue.hasten(now, peer.id)
      plan(now)
      return false
    }
    if queue.hasBegun(peer.id) { return true }
    // A node that only says that it is at the address must not be sent anything there.
    if shared.table.contact(peer.id)?.isAt(peer.endpoint) == true {
      queue.enqueue(now, peer, notBefore: ArrivalQueue.shortestInterval)
      plan(now)
    }
    return false
  }

  /// Returns whether another node may be one of the K closest to any record that this node has to offer. Such
  /// a record shares its first bits with this node's ID. All contacts that share more bits with this node's
  /// ID than the other node does are closer to the record than that node.
  private func mayBeOffered(_ now: Instant, _ other: NodeID, _ shared: borrowing Shared) -> Bool {
    guard let bucket = shared.id.distance(to: other).bucketIndex else { return false }
    guard bucket < sharedBits(now, without: other, shared) else { return true }
    let closer = shared.table.occupancy.reduce(1) { $1.index > bucket ? $0 + $1.nodes : $0 }
    return closer < shared.parameters.k
  }

  /// Returns the least number of leading bits that a target shares with this node's ID if this node may be
  /// the closest reliable one to it. If bucket i holds a reliable contact, all targets that differ from this
  /// node's ID first in bit i are closer to that contact.
  private func sharedBits(_ now: Instant, without recipient: NodeID?, _ shared: borrowing Shared) -> Int {
    var bits = 0
    // The first buckets without a gap are enough: they hold most of the network.
    while shared.table.contacts(inBucket: bits).contains(where: { contact in
      contact.state == .good && contact.id != recipient && !queue.isNewcomer(now, contact.id)
    }) {
      bits += 1
    }
    return bits
  }

  // MARK: - Passes

  private mutating func plan(_ now: Instant) {
    guard passes.isEmpty else {
      nextStep = min(nextStep ?? now + Self.pause, now + Self.pause)
      return
    }
    nextStep = queue.nextDeadline
  }

  mutating func advance(_ now: Now, _ shared: borrowing Shared, _ out: inout [Directive]) {
    guard let due = nextStep, due <= now.monotonic else { return }
    while passes.count < Self.passesAtOnce, let next = queue.popDue(now.monotonic) {
      switch next {
      case .rest(let pass): passes.append(pass)
      case .cause(let cause):
        let recipient = if case .arrival(let peer) = cause { peer.id } else { NodeID?.none }
        let bits = sharedBits(now.monotonic, without: recipient, shared)
        let first = RecordID(.plain, shared.id.keeping(leadingBits: bits))
        passes.append(HandOffPass(cause: cause, sharedBits: bits, next: first))
        if let recipient { queue.noteBegan(now.monotonic, recipient) }
      }
    }
    var renewalRoom = shared.replications.room(shared.parameters)
    var index = 0
    while index < passes.count {
      if step(now, index, &renewalRoom, shared, &out) {
        index += 1
      } else if let recipient = passes.remove(at: index).recipient {
        queue.noteEnded(now.monotonic, recipient.id)
      }
    }
    nextStep = nil
    plan(now.monotonic)
    out.append(.startReplications)
  }

  /// Does one step of a pass.
  ///
  /// - Returns: whether the pass goes on.
  private mutating func step(
    _ now: Now, _ index: Int, _ renewalRoom: inout Int, _ shared: borrowing Shared, _ out: inout [Directive]
  ) -> Bool {
    var room = max(0, Self.offersAtOnce - passes[index].offers)
    let page = shared.records.records(from: passes[index].next, limit: Self.recordsAtOnce)
    for stored in page {
      let record = stored.record
      guard shared.id.distance(to: record.target).leadingZeroBitCount >= passes[index].sharedBits else {
        return false
      }
      // While all offers wait for an answer, the pass pauses: by the next step, some of them are settled.
      guard room > 0, renewalRoom > 0 else {
        passes[index].next = record.id
        return true
      }
      guard let record = stored.live(at: now.wall) else { continue }
      let placement = RecordPlacement(now.monotonic, record.target, shared, queue)
      switch passes[index].cause {
      case .arrival(let peer):
        guard placement.isHolder(peer.id), placement.isOurs(without: peer.id) else { continue }
        room -= 1
        offer(record, to: peer, &out)
      case .departure(let departed):
        guard departed.contains(where: placement.isHolder), placement.isOurs(without: nil) else { continue }
        renewalRoom -= 1
        out.append(.replicate(record.id, .replicate))
      }
    }
    guard page.count >= Self.recordsAtOnce, let next = page.last?.record.id.next else { return false }
    passes[index].next = next
    return true
  }

  private mutating func offer(_ record: Record, to peer: Peer, _ out: inout [Directive]) {
    if let index = passes.firstIndex(where: { $0.recipient?.id == peer.id }) { passes[index].offers += 1 }
    out.append(.count(\.handOffs, 1))
    // The node is asked which version it has, but not with our seq. A query with our seq is how holders check
    // on each other, and would make them skip this record.
    let query = Query.Method.get(target: record.target, kind: record.id.kind, seq: .max)
    out.append(.send(query, to: peer.endpoint, expecting: peer.id, owner: .handOff(.offer(record.id))))
  }

  // MARK: - Answers

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Purpose, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    switch purpose {
    case .offer(let id):
      settle(now.monotonic, event)
      if case .answered(let answer) = event.kind { handleOffer(now, id, answer, shared, &out) }
    case .fetchNewer(let id):
      guard case .answered(let answer) = event.kind, case .record(let record)? = answer.response.held,
        record.id == id
      else { return }
      out.append(.keepIfNewer(record))
    }
  }

  /// Counts an offer as answered, or interrupts the pass.
  private mutating func settle(_ now: Instant, _ event: QueryEvent) {
    guard let index = passes.firstIndex(where: { $0.recipient?.id == event.query.peer }),
      let peer = passes[index].recipient
    else { return }
    switch event.kind {
    case .unresponsive:
      // The node is offered the rest later.
      var rest = passes.remove(at: index)
      // Offers without an answer may not have arrived: some records are offered twice.
      rest.offers = 0
      rest.silences += 1
      queue.enqueue(now, rest: rest, of: peer)
      plan(now)
    case .answered, .forged, .refused, .replaced:
      guard event.query.stage != .silent else { return }
      passes[index].offers = max(0, passes[index].offers - 1)
    case .late, .timedOut: break
    }
  }

  /// Handles the answer of a node that was offered a record.
  private func handleOffer(
    _ now: Now, _ id: RecordID, _ answer: QueryEvent.Answer, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    let response = answer.response
    guard let record = shared.records.stored(id)?.live(at: now.wall), response.isOfOurMake else { return }
    if let theirs = response.held?.version, theirs.seq > record.version.seq {
      // The node has a newer version, which is wanted unless it has expired.
      guard !theirs.isExpired(at: now.wall) else { return }
      let query = Query.Method.get(target: id.target, kind: id.kind, seq: record.version.seq)
      let peer = answer.peer
      out.append(.send(query, to: peer.endpoint, expecting: peer.id, owner: .handOff(.fetchNewer(id))))
    } else if let token = response.token, response.held?.isOlder(than: record) ?? true {
      out.append(.sendCopy(record, to: answer.peer, token))
    }
  }
}
