/// The condition of a node in a few numbers, for people.
package struct Vitals: Hashable, Sendable {
  /// True if the first join has ended.
  package var isJoined = false
  /// The number of contacts in the routing table.
  package var contacts = 0
  /// The number of keys in the store, without tombstones.
  package var keys = 0
}
