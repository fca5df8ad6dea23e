/// Hand-off: a node that comes, or comes back, is offered the records that it should hold, each by the
/// one holder that is closest to the record of those that had it before. Where a node has left, the next
/// closest is offered what it held, in the same way.
extension Node {
  mutating func stepHandOff(_ now: Now) {
    guard let due = handOffs.nextDeadline, due <= now.monotonic else { return }
    if let (recipients, departed) = handOffs.takeDue(now.monotonic) {
      let shared = sharedBits(now, without: recipients)
      let first = RecordID(.plain, id.keeping(leadingBits: shared))
      handOffs.begin(
        now.monotonic, for: recipients, departed: departed, sharedBits: shared, at: first)
    }
    guard let pass = handOffs.pass else { return }
    var next: RecordID? = pass.next
    // Where all that were offered wait for an answer, the next step comes when some have come.
    if handOffs.room > 0 {
      let page = records.records(from: pass.next, limit: HandOffs.recordsAtOnce)
      next = page.count < HandOffs.recordsAtOnce ? nil : page.last?.record.id.next
      for stored in page {
        let target = stored.record.target
        guard id.distance(to: target).leadingZeroBitCount >= pass.sharedBits else {
          next = nil
          break
        }
        guard handOffs.room > 0 else {
          next = stored.record.id
          break
        }
        if let record = stored.live(at: now.wall) { offer(now, record, in: pass) }
      }
    }
    handOffs.stepped(now.monotonic, next: next)
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

  /// Offers a record to those that should hold it and may not, if it is for us to do so.
  private mutating func offer(_ now: Now, _ record: Record, in pass: HandOffs.Pass) {
    let target = record.target
    let own = target.distance(to: id)
    var closest = table.closest(to: target, count: parameters.k)
    // The K closest, this node counted.
    if closest.count == parameters.k, let last = closest.last, own < target.distance(to: last.id) {
      closest.removeLast()
    }
    // As many as were closer and have left are among the closest only since then.
    let furthest = closest.last.map { target.distance(to: $0.id) } ?? .zero
    let movedUp = pass.departed.count { target.distance(to: $0) < furthest }
    for (index, contact) in closest.enumerated()
    where pass.recipients.contains(contact.id) || index >= closest.count - movedUp {
      let rival = closest.first { other in
        other.id != contact.id && !handOffs.isNewcomer(now.monotonic, other.id)
      }
      if let rival, target.distance(to: rival.id) < own { continue }
      handOffs.offered()
      counters.handOffs += 1
      let query = Query.Method.get(target: target, kind: record.id.kind, seq: record.version.seq)
      send(now, query, to: contact.endpoint, expecting: contact.id, for: .handOff(record.id))
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
