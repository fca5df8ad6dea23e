/// Hand-off: a node that comes, or comes back, is offered the records that it should hold, each by the
/// one holder that is closest to the record of those that had it before. Where a node has left, the same
/// holder replicates what it held, without waiting for the round.
extension Node {
  mutating func stepHandOff(_ now: Now) {
    guard let due = handOffs.nextDeadline, due <= now.monotonic else { return }
    while let cause = handOffs.nextDue(now.monotonic) {
      let recipient = if case .arrival(let peer) = cause { peer.id } else { NodeID?.none }
      let shared = sharedBits(now, without: recipient)
      let first = RecordID(.plain, id.keeping(leadingBits: shared))
      handOffs.begin(now.monotonic, cause, sharedBits: shared, at: first)
    }
    let next = handOffs.passes.map { step(now, $0) }
    handOffs.stepped(now.monotonic, next: next)
    beginRenewals(now)
  }

  /// One step of a pass.
  ///
  /// - Returns: where it goes on; nil if it is over.
  private mutating func step(_ now: Now, _ pass: HandOffs.Pass) -> RecordID? {
    var room = pass.room
    let page = shared.records.records(from: pass.next, limit: HandOffs.recordsAtOnce)
    for stored in page {
      guard id.distance(to: stored.record.target).leadingZeroBitCount >= pass.sharedBits else {
        return nil
      }
      // Where all that was offered waits for an answer, the next step finds some of it settled.
      guard room > 0, upkeep.room > 0 else { return stored.record.id }
      if let record = stored.live(at: now.wall), handOff(now, record, pass.cause) { room -= 1 }
    }
    return page.count < HandOffs.recordsAtOnce ? nil : page.last?.record.id.next
  }

  /// Whether a node may be one of the K closest to any record that is ours to offer. Such a record
  /// shares its first bits with our ID, and all contacts that share more of them than the node does are
  /// closer to it than that.
  func mayBeOffered(_ now: Now, _ other: NodeID) -> Bool {
    guard let bucket = id.distance(to: other).bucketIndex else { return false }
    guard bucket < sharedBits(now, without: other) else { return true }
    let closer = shared.table.occupancy.reduce(1) { $1.index > bucket ? $0 + $1.nodes : $0 }
    return closer < shared.parameters.k
  }

  /// How many leading bits a target shares with our ID at least, if we may be the closest to it of
  /// those that can be relied upon: where such a contact is in bucket i, all targets that differ from
  /// our ID in bit i and not before are closer to it.
  private func sharedBits(_ now: Now, without recipient: NodeID?) -> Int {
    var bits = 0
    // It is enough to look at the first buckets without a gap: they hold most of the network.
    while shared.table.contacts(inBucket: bits).contains(where: { contact in
      contact.state == .good && contact.id != recipient
        && !handOffs.isNewcomer(now.monotonic, contact.id)
    }) {
      bits += 1
    }
    return bits
  }

  /// Offers a record to a node that should hold it and may not, or has it replicated where one that
  /// should have held it has left; if that is for us to do.
  ///
  /// - Returns: whether it was offered.
  private mutating func handOff(_ now: Now, _ record: Record, _ cause: HandOffs.Cause) -> Bool {
    let target = record.target
    let own = target.distance(to: id)
    let closest = shared.table.closest(to: target, count: shared.parameters.k).map(\.id)
    func isOurs(without recipient: NodeID?) -> Bool {
      let rival = closest.first { $0 != recipient && !handOffs.isNewcomer(now.monotonic, $0) }
      return rival.map { own < target.distance(to: $0) } ?? true
    }
    /// Whether fewer than K nodes are closer, this one counted.
    func isHolder(_ node: NodeID) -> Bool {
      let distance = target.distance(to: node)
      let closer = closest.count { $0 != node && target.distance(to: $0) < distance }
      return closer + (own < distance ? 1 : 0) < shared.parameters.k
    }
    switch cause {
    case .arrival(let peer):
      guard isHolder(peer.id), isOurs(without: peer.id) else { return false }
      shared.counters.handOffs += 1
      // What it has is asked for, and not with our seq: that is how a holder looks after all others, and
      // would have them leave this record alone.
      let query = Query.Method.get(target: target, kind: record.id.kind, seq: .max)
      handOffs.offered(to: peer.id)
      send(now, query, to: peer.endpoint, expecting: peer.id, for: .handOff(record.id))
      return true
    case .departure(let departed):
      guard departed.contains(where: isHolder), isOurs(without: nil) else { return false }
      upkeep.isDue(record.id, .replicate)
      return false
    }
  }

  /// A node that was offered a record says what it has.
  mutating func offerAnswered(_ now: Now, _ id: RecordID, _ peer: Peer, _ response: Response) {
    guard let record = shared.records.stored(id)?.live(at: now.wall), response.isOfOurMake else { return }
    if let theirs = response.held?.version, theirs.seq > record.version.seq {
      // It has a newer one, which is wanted unless it has expired.
      guard !theirs.isExpired(at: now.wall) else { return }
      let query = Query.Method.get(target: id.target, kind: id.kind, seq: record.version.seq)
      send(now, query, to: peer.endpoint, expecting: peer.id, for: .newer(id))
    } else if let token = response.token, response.held?.isOlder(than: record) ?? true {
      sendCopy(now, record, to: peer, token: token)
    }
  }

  /// A node that has a newer version of what it was offered gives it.
  mutating func newerVersionCame(_ now: Now, _ id: RecordID, _ response: Response) {
    guard case .record(let record)? = response.held, record.id == id else { return }
    keepIfNewer(now, record)
  }
}

extension NodeID {
  /// The ID with all bits after the first so many set to zero.
  fileprivate func keeping(leadingBits count: Int) -> NodeID {
    func mask(_ first: Int) -> UInt64 {
      let kept = count - first
      return kept <= 0 ? 0 : kept >= 64 ? .max : ~(.max >> UInt64(kept))
    }
    return NodeID(
      high: high & mask(0), middle: middle & mask(64),
      low: UInt32(truncatingIfNeeded: (UInt64(low) << 32 & mask(128)) >> 32))
  }
}
