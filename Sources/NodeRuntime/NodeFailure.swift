/// The reason why a node stopped of itself.
package enum NodeFailure: Hashable, Sendable {
  /// One of its sockets failed.
  case socketLost
  /// Its records cannot be read or written any more.
  case storeFailed
}
