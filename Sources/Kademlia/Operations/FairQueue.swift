import DequeModule

/// A client that asks a node for operations, such as a connection. The node does not interpret it.
package struct ClientID: Hashable, Sendable {
  /// The shell's own number for the client.
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The client of a caller that names none.
  package static let anybody = ClientID(rawValue: 0)
}

/// Operations that wait for others to end. Those of one client keep their order, and the clients take turns.
/// A client that asks for hundreds at once therefore delays no other for longer than one operation takes.
struct FairQueue {
  private var queues: [ClientID: Deque<OperationID>] = [:]
  /// Each waiting client once; the first has the next turn.
  private var turns: Deque<ClientID> = []
  /// The number of waiting operations.
  private(set) var count = 0

  mutating func append(_ operation: OperationID, of client: ClientID) {
    if queues[client] == nil { turns.append(client) }
    queues[client, default: []].append(operation)
    count += 1
  }

  /// Drops the waiting reads of a client that has left. Its writes stay.
  ///
  /// - Returns: the dropped operations.
  mutating func dropReads(of client: ClientID) -> [OperationID] {
    guard let queue = queues[client] else { return [] }
    let reads = queue.filter { $0.kind != .put }
    count -= reads.count
    let writes = Deque(queue.filter { $0.kind == .put })
    if writes.isEmpty {
      queues[client] = nil
      turns.removeAll { $0 == client }
    } else {
      queues[client] = writes
    }
    return Array(reads)
  }

  /// Takes out the next operation; nil if none waits.
  mutating func popFirst() -> OperationID? {
    guard let client = turns.popFirst(), let next = queues[client]?.popFirst() else { return nil }
    count -= 1
    if queues[client]?.isEmpty == true { queues[client] = nil } else { turns.append(client) }
    return next
  }
}
