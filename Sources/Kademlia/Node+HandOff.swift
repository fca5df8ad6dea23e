/// Hand-off: a node that comes, or comes back, is offered the records that it should hold, each by the
/// one holder that is closest to the record of those that had it before. Where a node has left, the same
/// holder replicates what it held, without waiting for the round.
extension Node {
  mutating func stepHandOff(_ now: Now) {
    guard let due = handOffs.nextDeadline, due <= now.monotonic else { return }
    if let (recipients, departed) = handOffs.takeDue(now.monotonic) {
      let shared = sharedBits(now, without: recipients.map(\.id))
      let first = RecordID(.plain, id.keeping(leadingBits: shared))
      handOffs.begin(
        now.monotonic, for: recipients, departed: departed, sharedBits: shared, at: first)
    }
    guard let pass = handOffs.pass else { return }
    var next: RecordID? = pass.next
    // Where all that were offered wait for an answer, the next step finds some of them settled.
    if handOffs.room > 0, upkeep.room > 0 {
      let page = records.records(from: pass.next, limit: HandOffs.recordsAtOnce)
      next = page.count < HandOffs.recordsAtOnce ? nil : page.last?.record.id.next
      for stored in page {
        let target = stored.record.target
        guard id.distance(to: target).leadingZeroBitCount >= pass.sharedBits else {
          next = nil
          break
        }
        guard handOffs.room > 0, upkeep.room > 0 else {
          next = stored.record.id
          break
        }
        if let record = stored.live(at: now.wall) { handOff(now, record, in: pass) }
      }
    }
    handOffs.stepped(now.monotonic, next: next)
    beginRenewals(now)
  }

  /// Whether a node may be one of the K closest to any record that is ours to offer. Such a record
  /// shares its first bits with our ID, and all contacts that share more of them than the node does are
  /// closer to it than that.
  func mayBeOffered(_ now: Now, _ other: NodeID) -> Bool {
    guard let bucket = id.distance(to: other).bucketIndex else { return false }
    guard bucket < sharedBits(now, without: [other]) else { return true }
    let closer = table.occupancy.reduce(1) { $1.index > bucket ? $0 + $1.nodes : $0 }
    return closer < parameters.k
  }

  /// How many leading bits a target shares with our ID at least, if we may be the closest to it of
  /// those that can be relied upon: where such a contact is in bucket i, all targets that differ from
  /// our ID in bit i and not before are closer to it.
  private func sharedBits(_ now: Now, without recipients: [NodeID]) -> Int {
    var bits = 0
    // It is enough to look at the first buckets without a gap: they hold most of the network.
    while table.contacts(inBucket: bits).contains(where: { contact in
      contact.state == .good && !recipients.contains(contact.id)
        && !handOffs.isNewcomer(now.monotonic, contact.id)
    }) {
      bits += 1
    }
    return bits
  }

  /// Offers a record to those that should hold it and may not, and has it replicated where one that
  /// should have held it has left; if that is for us to do.
  private mutating func handOff(_ now: Now, _ record: Record, in pass: HandOffs.Pass) {
    let target = record.target
    let own = target.distance(to: id)
    let closest = table.closest(to: target, count: parameters.k).map(\.id)
    func isOurs(without recipient: NodeID?) -> Bool {
      let rival = closest.first { $0 != recipient && !handOffs.isNewcomer(now.monotonic, $0) }
      return rival.map { own < target.distance(to: $0) } ?? true
    }
    /// Whether fewer than K nodes are closer, this one counted.
    func isHolder(_ node: NodeID) -> Bool {
      let distance = target.distance(to: node)
      let closer = closest.count { $0 != node && target.distance(to: $0) < distance }
      return closer + (own < distance ? 1 : 0) < parameters.k
    }
    for peer in pass.recipients where isHolder(peer.id) && isOurs(without: peer.id) {
      handOffs.offered()
      counters.handOffs += 1
      let query = Query.Method.get(target: target, kind: record.id.kind, seq: record.version.seq)
      send(now, query, to: peer.endpoint, expecting: peer.id, for: .handOff(record.id))
    }
    if pass.departed.contains(where: isHolder), isOurs(without: nil) {
      upkeep.isDue(record.id, .replicate)
    }
  }

  /// A node that was offered a record says what it has.
  mutating func offerAnswered(_ now: Now, _ id: RecordID, _ peer: Peer, _ response: Response) {
    guard let record = records.stored(id)?.live(at: now.wall), response.keeps(id.kind) else { return }
    if case .record(let theirs)? = response.held, theirs.id == id, theirs.supersedes(record) {
      keepIfNewer(now, theirs)
    } else if let token = response.token, response.held?.isOlder(than: record) ?? true {
      sendCopy(now, record, to: peer, token: token)
    }
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
