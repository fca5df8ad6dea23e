import ControlProtocol
import Kademlia
import Logging
import NodeRuntime

extension Logger {
  /// Tells what came of a request. Keys are left out, for they are the users' own: the target says
  /// as much to those who know the key.
  ///
  /// - Parameter isNews: whether nothing of the kind was told lately.
  func log(_ request: ControlRequest, _ outcome: Result<ControlResult, ControlError>, isNews: Bool) {
    switch outcome {
    case .success:
      debug("\(request.method.rawValue) done", metadata: request.metadata)
    case .failure(let error):
      let isTrouble = isNews && request.isForTheNetwork && error.code.isTrouble
      log(
        level: isTrouble ? .warning : .debug, "\(request.method.rawValue) failed: \(error.message)",
        metadata: isTrouble ? .event(.operationFailed, request.metadata) : request.metadata)
    }
  }
}

extension ControlErrorCode {
  /// Whether the network is in a state that the operator of this node should know of. That it is busy
  /// is told to whoever keeps it so, as often as they ask.
  fileprivate var isTrouble: Bool {
    switch self {
    case .quorumFailed, .unreachable, .storageFull: true
    default: false
    }
  }
}

extension ControlRequest {
  /// Whether it is the network that carries it out, and not one node that somebody names.
  fileprivate var isForTheNetwork: Bool {
    switch self {
    case .put, .get, .delete, .lookup: true
    case .ping, .bootstrap, .status, .peers, .keys: false
    }
  }

  fileprivate var metadata: Logger.Metadata {
    switch self {
    case .put(let params): Self.metadata(params.kind, params.key)
    case .get(let params): Self.metadata(params.kind, params.key)
    case .delete(let params): Self.metadata(params.kind, params.key)
    case .lookup(.key(let key)): ["target": "\(NodeID(sha1Of: key))"]
    case .lookup(.target(let bytes)): NodeID(bytes: bytes).map { ["target": "\($0)"] } ?? [:]
    case .ping(let params): ["peer": "\(params.address)"]
    case .bootstrap, .status, .peers, .keys: [:]
    }
  }

  private static func metadata(_ kind: RecordKindName, _ key: [UInt8]) -> Logger.Metadata {
    kind == .plain ? ["target": "\(NodeID(sha1Of: key))"] : ["kind": "\(kind.rawValue)"]
  }
}
