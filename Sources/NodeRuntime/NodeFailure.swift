/// The reason why a node stopped by itself.
package enum NodeFailure: Hashable, Sendable {
  /// A socket of the node failed.
  case socketLost
  /// Its records can no longer be read or written.
  case storeFailed
}
