import Kademlia
import Logging

extension Logger.Metadata {
  /// The ID of a journal event, and other metadata.
  package static func event(_ event: JournalEvent, _ others: Self = [:]) -> Self {
    others.merging(.fields([.messageID: "\(event.rawValue)"])) { _, new in new }
  }

  /// Another node.
  static func peer(_ peer: Peer) -> Self {
    .fields([.peer: "\(peer.endpoint)", .peerID: "\(peer.id)"])
  }

  /// A query sent to a node or received from it.
  static func rpc(_ method: Query.Method, _ endpoint: Endpoint) -> Self {
    var metadata: Self = .fields([.peer: "\(endpoint)", .rpc: "\(method.name)"])
    if let target = method.target { metadata[LogField.target.rawValue] = "\(target)" }
    return metadata
  }

  /// A message on the wire.
  static func message(_ message: Message, _ endpoint: Endpoint) -> Self {
    switch message.body {
    case .query(let query): .rpc(query.method, endpoint)
    case .response: .fields([.peer: "\(endpoint)"])
    case .error(let error): .fields([.peer: "\(endpoint)", .reason: "\(error)"])
    }
  }
}

extension Message {
  /// The kind of the message in one word.
  var word: String {
    switch body {
    case .query: "query"
    case .response: "response"
    case .error: "error"
    }
  }
}

extension Query.Method {
  /// The name of the query in BEP 5 and BEP 44.
  fileprivate var name: String {
    switch self {
    case .ping: "ping"
    case .findNode: "find_node"
    case .get: "get"
    case .put: "put"
    }
  }

  /// The point that the query is about.
  fileprivate var target: NodeID? {
    switch self {
    case .ping: nil
    case .findNode(let target), .get(let target, _, _): target
    case .put(let record, _, _): record.id.target
    }
  }
}
