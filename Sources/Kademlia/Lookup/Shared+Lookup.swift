/// The start of a node's lookups.
extension Shared {
  /// - Parameter width: the number of nodes to find; nil for K.
  func makeLookup(of target: NodeID, width: Int? = nil) -> Lookup {
    Lookup(
      target: target, width: width ?? parameters.k, alpha: parameters.alpha, local: id,
      caps: parameters.subnetLimits)
  }

  /// The nodes that a lookup asks first.
  func firstNodes(for target: NodeID, paths: Int) -> [Contact] {
    let families = identity.families
    guard paths > 1 else { return table.closest(to: target, count: parameters.k, ofEach: families) }
    // Each path needs one, and one more if that is dead.
    let wanted = max(parameters.k, 2 * paths)
    let longestKnown = table.longestKnown(closestTo: target, count: wanted, ofEach: families)
    return longestKnown.count >= wanted
      ? longestKnown : table.closest(to: target, count: wanted, ofEach: families)
  }

  /// The number of nodes that a read asks beyond those that must answer: two, because the slowest of several
  /// nodes takes twice as long as most of them; none if the soft timeout is at its floor, where a wait is no
  /// longer than a scheduler may hold a node up.
  var extraQueriesOfReads: Int {
    let expected = roundTrips.softTimeout ?? parameters.softTimeoutUnknown
    return expected > parameters.softTimeoutFloor ? 2 : 0
  }

  /// The distance from a target within which a read asks any node that is likely to hold a record, and not the
  /// closest alone, so that the reads of one key are shared by all its holders. These lie about as far from the
  /// target as our own K closest contacts do from us.
  var spreadRadius: Distance {
    let neighbours = table.closest(to: id, count: parameters.k)
    guard neighbours.count >= parameters.k, let furthest = neighbours.last else { return .greatest }
    // Nodes lie unevenly. With twice the distance each holder of a hot key gets about as many reads as
    // the others, and no read takes more queries than where the closest node is always the next.
    return id.distance(to: furthest.id).doubled
  }
}
