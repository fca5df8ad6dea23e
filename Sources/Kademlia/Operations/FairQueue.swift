import DequeModule

/// Names one of those who ask a node for operations, such as a connection. The node does not care who it is.
package struct ClientID: Hashable, Sendable {
  /// Whatever the shell counts its clients by.
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Whoever does not say.
  package static let anybody = ClientID(rawValue: 0)
}

/// Operations that wait for others to end: those of one client in their order, and the clients in turn, so
/// that one which asks for hundreds at once holds up no other for longer than an operation takes.
struct FairQueue {
  private var queues: [ClientID: Deque<OperationID>] = [:]
  /// Each client that waits, once; whose turn it is first.
  private var turns: Deque<ClientID> = []
  /// Operations that wait.
  private(set) var count = 0

  mutating func append(_ operation: OperationID, of client: ClientID) {
    if queues[client] == nil { turns.append(client) }
    queues[client, default: []].append(operation)
    count += 1
  }

  /// Drops what a client only wanted to know: nobody is there to be told any more. What it wanted changed
  /// stays.
  ///
  /// - Returns: which operations these are.
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

  /// Takes the next out; nil if none waits.
  mutating func popFirst() -> OperationID? {
    guard let client = turns.popFirst(), let next = queues[client]?.popFirst() else { return nil }
    count -= 1
    if queues[client]?.isEmpty == true { queues[client] = nil } else { turns.append(client) }
    return next
  }
}
