package import Kademlia

/// The condition of a node in a few numbers, for people.
package struct Vitals: Hashable, Sendable {
  /// True if the first join has ended.
  package var isJoined = false
  /// The number of contacts in the routing table.
  package var contacts = 0
  /// The number of nodes that this node had and that do not answer.
  package var silent = 0
  /// The place of the node in its network.
  package var standing = Standing.onlyNode
  /// The number of keys in the store, without tombstones.
  package var keys = 0
}
