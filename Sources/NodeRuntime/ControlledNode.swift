package import EventLoop
package import Kademlia
import NodeTime

/// A node as its control server sees it: operations go in, outcomes and snapshots come out.
///
/// All members are used on the node's event loop.
package protocol ControlledNode: AnyObject {
  /// The loop on which all members are used.
  var loop: EventLoop { get }
  /// The address families that the node can send to.
  var families: AddressFamilies { get }
  /// The state of the node.
  var snapshot: NodeSnapshot { get }
  /// The contacts of the node, in the order of its routing table.
  var contactSnapshots: [ContactSnapshot] { get }

  /// Begins an operation, and calls back when it ends, at once or later.
  ///
  /// - Throws: `OperationRefusal`, in which case nothing was begun.
  func submit(
    _ request: OperationRequest, for client: ClientID, completion: @escaping (Outcome) -> Void
  ) throws(OperationRefusal)
  /// Forgets the silent node with an ID, or all silent nodes and bootstrap names without an answer.
  ///
  /// - Returns: the nodes that were forgotten.
  func forget(_ id: NodeID?) -> [Peer]
  /// Drops the waiting reads of a client that has disconnected.
  func handleDeparture(of client: ClientID)
  /// Looks up names and passes on their endpoints later.
  ///
  /// - Throws: `OperationRefusal.busy` if the limit of lookups is reached.
  func resolve(_ names: [NodeName], then use: @escaping ([Endpoint]) -> Void) throws(OperationRefusal)
  /// A page of the live values that this node holds, in a stable order of their keys.
  ///
  /// - Parameters:
  ///   - prefix: only keys that start with this.
  ///   - cursor: only records after this place.
  ///   - limit: the most records.
  func page(prefix: [UInt8], after cursor: PagePlace?, limit: Int) -> [Record]
}

extension NodeDriver: ControlledNode {
  package var families: AddressFamilies { node.identity.families }

  package func resolve(
    _ names: [NodeName], then use: @escaping ([Endpoint]) -> Void
  ) throws(OperationRefusal) {
    try self.names.resolve(names, then: use)
  }

  package func page(prefix: [UInt8], after cursor: PagePlace?, limit: Int) -> [Record] {
    store.page(prefix: prefix, after: cursor, limit: limit, at: loop.now.wall)
  }
}
