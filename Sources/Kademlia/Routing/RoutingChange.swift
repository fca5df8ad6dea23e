/// A change of the routing table that jobs hear of.
enum RoutingChange: Sendable {
  /// A node has entered the table.
  ///
  /// - `isFirst`: whether the table was empty before.
  /// - `owner`: the owner of the query that the node answered.
  /// - `wasAskedForProof`: whether that query asked the node to prove its identity.
  case added(Peer, isFirst: Bool, owner: QueryOwner, wasAskedForProof: Bool = false)
  /// A contact answered after it had failed to.
  case returned(Peer)
  /// A contact has left the table, because it failed to answer or because another node is at its address.
  case removed(Peer, hasFailed: Bool)
  /// A node answered and found its bucket full. `stalest` is the contact there that has been quiet longest.
  case bucketFull(Peer, stalest: Peer, owner: QueryOwner)
}
