import Kademlia
import Logging

/// The few events that people search the journal for. Each has an ID by which the journal's catalog
/// explains it (systemd/dhtd.catalog): `journalctl MESSAGE_ID=…`, `journalctl -x`.
package enum JournalEvent: String, CaseIterable, Sendable {
  /// The first join has ended; operations begin.
  case ready = "d6c3e53ffbd34a8693dc62ce37eca307"
  /// The node has stopped as it was asked to.
  case stopped = "ace251fe4c6849c581407600e05f2883"
  /// A changed configuration is in force.
  case reloaded = "305b1bbc9df24194a338deee604a6f39"
  /// A changed configuration is wrong; the one before stays in force.
  case wrongConfiguration = "79b2984417694937aa9e1178d2953308"
  /// No bootstrap address answers.
  case bootstrapUnanswered = "75f044d398884a36a841957e80061863"
  /// The last contact has left.
  case isolated = "9b7f13d85cec4b2db5792b4612848038"
  /// Two parts of a network have met.
  case merging = "b88d710646d04c098ead1aa86deba831"
  /// The system has closed a socket of the node, which ends.
  case socketLost = "ea59ba4e75eb4d3eb341633e36809bce"
  /// The record store was found damaged at the start; what is valid in it was kept.
  case storeDamaged = "5f0f6e3b0b6a4c0e9d7c2f4a8b1e6d35"
  /// A record was found damaged when it was read.
  case recordDamaged = "c1a7d0e2f94b4d6f8a3359b7e0c4d812"
  /// The store takes no further records.
  case storeFull = "8e2b64f7a1d94f0cb35d6c7e9f10a2b4"
  /// The store cannot be used any more, and the node ends.
  case storeFailed = "3d94c5b80e7f4a21b6c8d1f2e5a70963"
  /// A source has sent more than it may, and is not answered any more.
  case sourceCutOff = "5c0e7f1d92b84a06a7c3e9d4481f62b7"
  /// All sources together send more than the node takes.
  case overloaded = "a94b3e60c8d7412f9e15f07b6c2d83ea"
  /// A put was not confirmed, or too few nodes could be reached to answer.
  case operationFailed = "70e997969b53487eb871ea723c96698d"
}

/// The words of metadata: `peer` is the address of another node, and becomes the field `DHT_PEER` in
/// the journal; `peer_id` is its ID, `target` a point that is looked up, `rpc` one of KRPC's queries,
/// and `node_id` this node's own ID, which goes with every message.
extension Logger.Metadata {
  /// The mark of an event, by which it is found.
  package static func event(_ event: JournalEvent, _ others: Self = [:]) -> Self {
    others.merging(["message_id": "\(event.rawValue)"]) { _, new in new }
  }

  /// Another node.
  static func peer(_ peer: Peer) -> Self {
    ["peer": "\(peer.endpoint)", "peer_id": "\(peer.id)"]
  }

  /// A query that was sent to a node or came from it.
  static func rpc(_ method: Query.Method, _ endpoint: Endpoint) -> Self {
    var metadata: Self = ["peer": "\(endpoint)", "rpc": "\(method.name)"]
    if let target = method.target { metadata["target"] = "\(target)" }
    return metadata
  }

  /// A message as it goes over the wire.
  static func message(_ message: Message, _ endpoint: Endpoint) -> Self {
    switch message.body {
    case .query(let query): .rpc(query.method, endpoint)
    case .response: ["peer": "\(endpoint)"]
    case .error(let error): ["peer": "\(endpoint)", "reason": "\(error)"]
    }
  }
}

extension Message {
  /// What it is, in a word.
  var word: String {
    switch body {
    case .query: "query"
    case .response: "response"
    case .error: "error"
    }
  }
}

extension Query.Method {
  /// As BEP 5 and BEP 44 call it.
  fileprivate var name: String {
    switch self {
    case .ping: "ping"
    case .findNode: "find_node"
    case .get: "get"
    case .put: "put"
    }
  }

  /// The point that it concerns.
  fileprivate var target: NodeID? {
    switch self {
    case .ping: nil
    case .findNode(let target), .get(let target, _, _): target
    case .put(let record, _, _): record.id.target
    }
  }
}
