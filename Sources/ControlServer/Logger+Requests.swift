import ControlProtocol
import Kademlia
import Logging
import NodeRuntime

extension Logger {
  /// Logs the outcome of a request. Keys are not logged, because they are the users' own. The target
  /// identifies a key to anyone who knows it.
  ///
  /// - Parameter isRepeat: whether a failure of the same kind was logged within the last second.
  func log(_ request: ControlRequest, _ outcome: Result<ControlResult, ControlError>, isRepeat: Bool) {
    let level = level(of: request, outcome, isRepeat: isRepeat, isLogged: false)
    guard logLevel <= level else { return }
    log(request, outcome, at: level, by: [:])
  }

  /// The level of the outcome of a request.
  ///
  /// - Parameter isLogged: whether it is logged at `info` even if it succeeded.
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
  /// - Parameter client: the metadata of the client that sent it.
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
  /// True if the error points to trouble in the network that the operator should know of. `busy` does not:
  /// the client that causes it is told each time.
  fileprivate var isTrouble: Bool {
    switch self {
    case .quorumFailed, .unreachable, .storageFull: true
    default: false
    }
  }
}

extension ControlRequest {
  /// True if the request is carried out by the network, and not by a single node that the client names.
  fileprivate var isForTheNetwork: Bool {
    switch self {
    case .put, .get, .delete, .lookup: true
    case .ping, .bootstrap, .forget, .status, .peers, .keys, .keyringList, .keyringAdd, .keyringUse,
      .keyringRemove:
      false
    }
  }

  /// True if the request changes the node itself. Such a request is always logged.
  var isForTheOperator: Bool {
    switch self {
    case .bootstrap, .forget, .keyringAdd, .keyringUse, .keyringRemove: true
    case .put, .delete, .get, .lookup, .ping, .status, .peers, .keys, .keyringList: false
    }
  }

  /// True if the request changes stored records, contacts or keys.
  var isWrite: Bool {
    switch self {
    case .put, .delete, .bootstrap, .forget, .keyringAdd, .keyringUse, .keyringRemove: true
    case .get, .lookup, .ping, .status, .peers, .keys, .keyringList: false
    }
  }

  fileprivate var metadata: Logger.Metadata {
    switch self {
    case .put(let params): Self.metadata(params.kind, params.key)
    case .get(let params): Self.metadata(params.kind, params.key)
    case .delete(let params): Self.metadata(params.kind, params.key)
    case .lookup(.key(let key)): .fields([.target: "\(NodeID(sha1Of: key))"])
    case .lookup(.target(let bytes)):
      NodeID(bytes: bytes).map { Logger.Metadata.fields([.target: "\($0)"]) } ?? [:]
    case .ping(let params): .fields([.peer: "\(params.address)"])
    case .bootstrap, .forget, .status, .peers, .keys: [:]
    // Fingerprints and keys are not logged, not even in part.
    case .keyringList, .keyringAdd, .keyringUse, .keyringRemove: [:]
    }
  }

  private static func metadata(_ kind: RecordKindName, _ key: [UInt8]) -> Logger.Metadata {
    kind == .plain ? .fields([.target: "\(NodeID(sha1Of: key))"]) : .fields([.kind: "\(kind.rawValue)"])
  }
}
