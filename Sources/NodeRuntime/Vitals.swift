/// How a node is, in a few numbers for people.
package struct Vitals: Hashable, Sendable {
  /// Whether the first join has ended.
  package var isJoined = false
  /// Contacts in the routing table.
  package var contacts = 0
  /// Keys in the store, tombstones not counted.
  package var keys = 0
}
