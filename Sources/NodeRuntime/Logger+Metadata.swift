import Kademlia
package import Logging

/// Metadata keys: `peer` is the address of another node, and becomes the field `DHT_PEER` in the journal;
/// `peer_id` is its ID, `target` a point that is looked up, `rpc` one of KRPC's queries, and `node_id` this
/// node's own ID, which every message carries.
extension Logger.Metadata {
  /// The ID of a journal event, and other metadata.
  package static func event(_ event: JournalEvent, _ others: Self = [:]) -> Self {
    others.merging(["message_id": "\(event.rawValue)"]) { _, new in new }
  }

  /// Another node.
  static func peer(_ peer: Peer) -> Self {
    ["peer": "\(peer.endpoint)", "peer_id": "\(peer.id)"]
  }

  /// A query sent to a node or received from it.
  static func rpc(_ method: Query.Method, _ endpoint: Endpoint) -> Self {
    var metadata: Self = ["peer": "\(endpoint)", "rpc": "\(method.name)"]
    if let target = method.target { metadata["target"] = "\(target)" }
    return metadata
  }

  /// A message on the wire.
  static func message(_ message: Message, _ endpoint: Endpoint) -> Self {
    switch message.body {
    case .query(let query): .rpc(query.method, endpoint)
    case .response: ["peer": "\(endpoint)"]
    case .error(let error): ["peer": "\(endpoint)", "reason": "\(error)"]
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
