import ControlProtocol
import EventLoop
import Kademlia
import Logging
import NodeRuntime

/// Carries out what a client asks for: requests in the control socket's words become operations of
/// the node, and their outcomes become answers.
final class ControlService {
  typealias Answer = (Result<ControlResult, ControlError>) -> Void

  private let driver: NodeDriver
  private let version: String
  private let keyring: KeyringService
  private let logger: Logger
  private var lastFailures: [ControlErrorCode: Instant] = [:]

  init(_ driver: NodeDriver, version: String, keys: KeySource?, logger: Logger) {
    self.driver = driver
    self.version = version
    keyring = KeyringService(driver, keys, logger)
    self.logger = logger
  }

  /// Carries a request out and answers exactly once, now or later.
  ///
  /// - Parameter client: whose it is; where many wait, the clients take turns.
  func carryOut(_ request: ControlRequest, for client: ClientID, then answer: @escaping Answer) {
    let answer: Answer = { [self] outcome in
      log(request, outcome)
      answer(outcome)
    }
    switch request {
    case .put(let params):
      operate(answer) { node, now throws(OperationRefusal) in
        try node.put(
          now, key: params.key, value: params.value, ttl: params.ttl, ifSeq: params.ifSeq,
          for: client)
      }
    case .get(let params):
      operate(answer) { node, now throws(OperationRefusal) in
        try node.get(now, key: params.key, maxAge: params.maxAge, isTraced: params.trace, for: client)
      }
    case .delete(let params):
      operate(answer) { node, now throws(OperationRefusal) in
        try node.delete(now, key: params.key, for: client)
      }
    case .lookup(let params):
      switch params {
      case .key(let key):
        operate(answer) { node, now throws(OperationRefusal) in
          try node.lookup(now, key: key, for: client)
        }
      case .target(let bytes):
        guard let point = NodeID(bytes: bytes) else {
          answer(.failure(.invalidParam("target", "target must be 40 hexadecimal digits")))
          return
        }
        operate(answer) { node, now throws(OperationRefusal) in
          try node.lookup(now, point, for: client)
        }
      }
    case .ping(let params):
      ping(params.address, answer)
    case .bootstrap(let params):
      driver.resolve(params.addresses.map(NodeName.init)) { [self] endpoints in
        guard !endpoints.isEmpty else {
          answer(.failure(.unresolved(params.addresses)))
          return
        }
        operate(answer) { node, now throws(OperationRefusal) in try node.bootstrap(now, endpoints) }
      }
    case .status:
      answer(.success(.status(StatusResult(driver, version: version))))
    case .peers:
      answer(.success(.peers(PeersResult(driver.node, at: SystemClock.now.monotonic))))
    case .keys(let params):
      answer(keys(params))
    case .keyringList:
      answer(keyring.list())
    case .keyringAdd(let params):
      answer(keyring.add(params))
    case .keyringUse(let params):
      answer(keyring.use(params.fingerprint))
    case .keyringRemove(let params):
      answer(keyring.remove(params.fingerprint))
    }
  }

  /// A full store, say, fails every put: one a second of each kind of failure is told as a warning.
  private func log(_ request: ControlRequest, _ outcome: Result<ControlResult, ControlError>) {
    var isNews = true
    if case .failure(let error) = outcome {
      let now = SystemClock.now.monotonic
      isNews = lastFailures[error.code].map { now.since($0) >= .seconds(1) } ?? true
      if isNews { lastFailures[error.code] = now }
    }
    logger.log(request, outcome, isNews: isNews)
  }

  private func operate(
    _ answer: @escaping Answer,
    _ begin: (inout Node, Now) throws(OperationRefusal) -> OperationID
  ) {
    do throws(OperationRefusal) {
      try driver.operate(begin) { answer(.init($0)) }
    } catch {
      answer(.failure(ControlError(error)))
    }
  }

  private func ping(_ address: HostPort, _ answer: @escaping Answer) {
    driver.resolve([NodeName(address)]) { [self] endpoints in
      // The family that the node is bound to is the one it can reach.
      let families = driver.node.identity.families
      let usable = endpoints.first { families.contains(AddressFamilies($0.address.family)) }
      guard let endpoint = usable else {
        answer(.failure(.unresolved([address])))
        return
      }
      operate(answer) { node, now throws(OperationRefusal) in try node.ping(now, endpoint) }
    }
  }

  private func keys(_ params: KeysParams) -> Result<ControlResult, ControlError> {
    var after: [UInt8]?
    if let cursor = params.cursor {
      guard let key = Hex.bytes(cursor) else {
        return .failure(.invalidParam("cursor", "cursor must be what the page before gave"))
      }
      after = key
    }
    let limit = Int(params.limit)
    // One more than the page has, to know whether another follows.
    let records = driver.store.page(
      prefix: params.prefix, after: after, limit: limit + 1, at: SystemClock.now.wall)
    let page = records.prefix(limit)
    let next = records.count > limit ? page.last.map { Hex.string($0.key) } : nil
    return .success(.keys(KeysResult(keys: page.map(HeldKey.init), cursor: next)))
  }
}

extension NodeName {
  fileprivate init(_ address: HostPort) {
    self.init(host: address.host, port: address.port)
  }
}
