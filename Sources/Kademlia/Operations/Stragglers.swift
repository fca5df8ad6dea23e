/// Puts that have ended while nodes that are closer than some that confirmed had not answered the lookup.
///
/// A put does not wait for such a node, but the query goes on. If the node answers after all, it gets the
/// record, too.
struct Stragglers {
  private var puts: [OperationID: (record: Record, waiting: [NodeID])] = [:]

  /// The number of puts.
  var count: Int { puts.count }

  mutating func add(_ nodes: [NodeID], of put: OperationID, _ record: Record) {
    if !nodes.isEmpty { puts[put] = (record, nodes) }
  }

  /// Handles an answer to the lookup of a put that has ended.
  mutating func handleAnswer(
    _ response: Response, from peer: Peer, of put: OperationID, _ out: inout [Directive]
  ) {
    guard let (record, waiting) = puts[put], waiting.contains(peer.id) else { return }
    drop(peer.id, of: put)
    guard let token = response.token, response.keeps(record.id.kind) else { return }
    out.append(.count(\.repairsSent, 1))
    out.append(
      .send(
        .put(record, token: token, cas: nil), to: peer.endpoint, expecting: peer.id, owner: .copy))
  }

  /// Stops waiting for a node: it has answered, or never will.
  mutating func drop(_ node: NodeID, of put: OperationID) {
    puts[put]?.waiting.removeAll { $0 == node }
    if puts[put]?.waiting.isEmpty == true { puts[put] = nil }
  }
}
