import ControlProtocol
import Kademlia
import Logging
import NodeRuntime

extension Logger {
  /// Logs the outcome of a request. Keys are left out, for they are the users' own: the target says as much to
  /// those who know the key.
  ///
  /// - Parameter isRepeat: whether a failure of the same kind was logged lately.
  func log(_ request: ControlRequest, _ outcome: Result<ControlResult, ControlError>, isRepeat: Bool) {
    let level = level(of: request, outcome, isRepeat: isRepeat, isLogged: false)
    guard logLevel <= level else { return }
    log(request, outcome, at: level, by: [:])
  }

  /// The level of the outcome of a request.
  ///
  /// - Parameter isLogged: whether it is logged at `info` even if all went well.
  func level(
    of request: ControlRequest, _ outcome: Result<ControlResult, ControlError>, isRepeat: Bool, isLogged: Bool
  ) -> Logger.Level {
    if case .failure(let error) = outcome, !isRepeat, request.isForTheNetwork, error.code.isTrouble {
      return .warning
    }
    return isLogged ? .info : .debug
  }

  /// Logs the outcome of a request at a level.
  ///
  /// - Parameter client: the client that asked for it.
  func log(
    _ request: ControlRequest, _ outcome: Result<ControlResult, ControlError>, at level: Level,
    by client: Metadata
  ) {
    let metadata = request.metadata.merging(client) { _, new in new }
    switch outcome {
    case .success:
      log(level: level, "\(request.method.rawValue) done", metadata: metadata)
    case .failure(let error):
      log(
        level: level, "\(request.method.rawValue) failed: \(error.message)",
        metadata: level == .warning ? .event(.operationFailed, metadata) : metadata)
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
    case .ping, .bootstrap, .status, .peers, .keys, .keyringList, .keyringAdd, .keyringUse, .keyringRemove:
      false
    }
  }

  /// Whether it changes the node itself: that is told however much else is written.
  var isForTheOperator: Bool {
    switch self {
    case .bootstrap, .keyringAdd, .keyringUse, .keyringRemove: true
    case .put, .delete, .get, .lookup, .ping, .status, .peers, .keys, .keyringList: false
    }
  }

  /// Whether it changes what the network holds, whom this node knows, or what it lets in.
  var isWrite: Bool {
    switch self {
    case .put, .delete, .bootstrap, .keyringAdd, .keyringUse, .keyringRemove: true
    case .get, .lookup, .ping, .status, .peers, .keys, .keyringList: false
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
    // Not even in part: it is a secret.
    case .keyringList, .keyringAdd, .keyringUse, .keyringRemove: [:]
    }
  }

  private static func metadata(_ kind: RecordKindName, _ key: [UInt8]) -> Logger.Metadata {
    kind == .plain ? ["target": "\(NodeID(sha1Of: key))"] : ["kind": "\(kind.rawValue)"]
  }
}
