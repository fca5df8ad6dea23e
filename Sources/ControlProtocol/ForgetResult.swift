/// The result of `forget`: the nodes that no longer count.
package struct ForgetResult: Codable, Hashable, Sendable {
  /// The nodes that were forgotten.
  package var nodes: [MetNode]

  /// A result with these nodes.
  package init(nodes: [MetNode]) { self.nodes = nodes }
}
