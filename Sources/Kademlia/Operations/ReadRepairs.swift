import DequeModule
package import NodeTime

/// Read repair: holders that answered a read with an older version or none get the newest.
///
/// Recent repairs are remembered, so that a holder that refuses a record is not sent it with every read.
package struct ReadRepairs: Sendable {
  private struct Entry: Hashable {
    let holder: NodeID
    let target: RecordID
  }

  /// The shortest time between two repairs of the same target at one holder.
  var interval: Duration
  private let capacity: Int
  private var times: [Entry: Instant] = [:]
  /// In order of time, so that the oldest can be evicted.
  private var order: Deque<(entry: Entry, time: Instant)> = []

  package init(interval: Duration, capacity: Int) {
    self.interval = interval
    self.capacity = capacity
  }

  /// The number of pairs of holder and target that are remembered.
  package var count: Int { times.count }

  /// Notes a repair that is about to be sent.
  ///
  /// - Returns: whether it may be sent now; false if the holder was sent one lately.
  package mutating func tryRepair(_ now: Instant, holder: NodeID, target: RecordID) -> Bool {
    let entry = Entry(holder: holder, target: target)
    if let last = times[entry], now < last + interval { return false }
    times[entry] = now
    order.append((entry, now))
    while order.count > capacity, let oldest = order.popFirst() {
      if times[oldest.entry] == oldest.time { times[oldest.entry] = nil }
    }
    return true
  }

  /// Sends the newest version to those of the K closest nodes that answered with an older one or none.
  mutating func repair(
    _ now: Instant, _ newest: Record, after lookup: Lookup, local: NodeID, _ out: inout [Directive]
  ) {
    for candidate in lookup.nearest {
      guard let answer = lookup.answer(of: candidate), answer.isOfOurMake else { continue }
      guard answer.held?.isOlder(than: newest) ?? true else { continue }
      guard tryRepair(now, holder: candidate.peer.id, target: newest.id) else { continue }
      out.append(.count(\.repairsSent, 1))
      if candidate.peer.id == local {
        // This node keeps the record on the same terms as a put from another node.
        out.append(.keepIfNewer(newest))
      } else if let token = answer.token {
        out.append(
          .send(
            .put(newest, token: token, cas: nil), to: candidate.peer.endpoint,
            expecting: candidate.peer.id, owner: .copy))
      }
    }
  }
}
