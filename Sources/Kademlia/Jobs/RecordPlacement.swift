import NodeTime

/// The nodes that should hold a record, as far as this node's contacts tell.
struct RecordPlacement {
  private let target: NodeID
  private let own: Distance
  private let k: Int
  /// The closest contacts, closest first.
  private let closest: [NodeID]
  private let now: Instant
  private let arrivals: ArrivalQueue

  /// - Parameter arrivals: the nodes that arrived lately. Nobody relies on them to pass a record on.
  init(_ now: Instant, _ target: NodeID, _ shared: borrowing Shared, _ arrivals: ArrivalQueue) {
    self.now = now
    self.target = target
    self.arrivals = arrivals
    own = target.distance(to: shared.id)
    k = shared.parameters.k
    closest = shared.table.closest(to: target, count: k).map(\.id)
  }

  /// Returns whether this node should pass the record on: it is the closest of the nodes that can be relied
  /// on.
  func isOurs(without recipient: NodeID?) -> Bool {
    let rival = closest.first { $0 != recipient && !arrivals.isNewcomer(now, $0) }
    return rival.map { own < target.distance(to: $0) } ?? true
  }

  /// Returns whether fewer than K nodes are closer than a node. This node is counted, too.
  func isHolder(_ node: NodeID) -> Bool {
    let distance = target.distance(to: node)
    let closer = closest.count { $0 != node && target.distance(to: $0) < distance }
    return closer + (own < distance ? 1 : 0) < k
  }
}

extension NodeID {
  /// The ID with all bits after the first `count` set to zero.
  func keeping(leadingBits count: Int) -> NodeID {
    func mask(_ first: Int) -> UInt64 {
      let kept = count - first
      return kept <= 0 ? 0 : kept >= 64 ? .max : ~(.max >> UInt64(kept))
    }
    return NodeID(
      high: high & mask(0), middle: middle & mask(64),
      low: UInt32(truncatingIfNeeded: ((UInt64(low) << 32) & mask(128)) >> 32))
  }
}
