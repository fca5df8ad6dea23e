/// The number of nodes in a network, estimated from how close together they are.
package enum NetworkSize {
  /// The number of nodes of which a given one is the `rank`-th closest to a random point.
  ///
  /// IDs are spread evenly, so that of n nodes about n·x are within the share x of all distances. With the
  /// rank-th at x, (rank - 1) / x is the estimate that is right on average, and no other that uses the closer
  /// ones too varies less: by 1 / sqrt(rank - 2) of n, 41 % for the 8th.
  ///
  /// - Parameter rank: 2 at least.
  package static func estimate(rank: Int, at distance: Distance) -> Int {
    let share = share(distance)
    guard rank > 1, share > 0 else { return 1 }
    return max(rank, Int(min(Double(rank - 1) / share, 1e15)))
  }

  /// The number of nodes, out of `nodes`, that are within a distance of any point on average.
  static func expected(within distance: Distance, of nodes: Int) -> Double { share(distance) * Double(nodes) }

  /// The share of all distances that are not greater, 0 to 1.
  private static func share(_ distance: Distance) -> Double {
    Double(distance.high) * 0x1p-64 + Double(distance.middle) * 0x1p-128
  }
}

extension RoutingTable {
  /// The number of nodes that can be queried, estimated from how close the nearest good contacts are. With
  /// fewer than K of these, it counts them and this node. Sybils count like any other nodes.
  package var networkSize: Int {
    let neighbours = closest(to: local, count: k)
    guard neighbours.count == k, let furthest = neighbours.last else { return neighbours.count + 1 }
    return NetworkSize.estimate(rank: k, at: local.distance(to: furthest.id))
  }
}
