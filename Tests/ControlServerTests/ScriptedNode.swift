import EventLoop
import Kademlia
import NodeRuntime

/// A node that notes what it is asked for, and answers when a test wants it to.
final class ScriptedNode: ControlledNode {
  let loop: EventLoop
  let families = AddressFamilies.all
  /// The keys of the gets that wait for an answer, in their order.
  private(set) var waiting: [String] = []
  /// The clients that have left.
  private(set) var leftClients: [ClientID] = []
  /// The number of snapshots that were taken.
  private(set) var snapshots = 0
  private var completions: [(Outcome) -> Void] = []

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Answers the get at an index that the network holds nothing.
  func answer(at index: Int) {
    waiting.remove(at: index)
    completions.remove(at: index)(.get(.notFound))
  }

  var snapshot: NodeSnapshot {
    snapshots += 1
    return NodeSnapshot(id: NodeID(sha1Of: []))
  }

  var contactSnapshots: [ContactSnapshot] { [] }

  func submit(
    _ request: OperationRequest, for client: ClientID, completion: @escaping (Outcome) -> Void
  ) throws(OperationRefusal) {
    guard case .get(.plain(let key), _, _) = request else { throw .busy(limit: 0) }
    waiting.append(String(decoding: key, as: UTF8.self))
    completions.append(completion)
  }

  /// The nodes that were to be forgotten; nil for all.
  private(set) var forgotten: [NodeID?] = []

  func forget(_ id: NodeID?) -> [Peer] {
    forgotten.append(id)
    return []
  }

  func handleDeparture(of client: ClientID) { leftClients.append(client) }

  func resolve(
    _ names: [NodeName], then use: @escaping ([Endpoint]) -> Void
  ) throws(OperationRefusal) { throw .busy(limit: 0) }

  func page(prefix: [UInt8], after cursor: PagePlace?, limit: Int) -> [Record] { [] }
}
