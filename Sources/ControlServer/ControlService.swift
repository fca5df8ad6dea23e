import ControlProtocol
import EventLoop
import Glibc
import Kademlia
import KRPC
import NodeRuntime
import NodeTime
import Signatures

/// Carries out what a client asks for: requests in the control socket's words become operations of
/// the node, and their outcomes become answers.
final class ControlService {
  typealias Answer = (Result<ControlResult, ControlError>) -> Void

  private let driver: NodeDriver
  private let version: String
  private let recordKey: SigningKey
  private let keyring: KeyringService
  private let auditor: Auditor

  init(
    _ driver: NodeDriver, version: String, recordKey: SigningKey, keyring: KeyringService, auditor: Auditor
  ) {
    self.driver = driver
    self.recordKey = recordKey
    self.version = version
    self.keyring = keyring
    self.auditor = auditor
  }

  /// Carries a request out and answers exactly once, now or later.
  ///
  /// - Parameters:
  ///   - client: whose it is; where many wait, the clients take turns.
  ///   - credentials: who that is.
  func carryOut(
    _ request: ControlRequest, for client: ClientID, _ credentials: PeerCredentials?,
    then answer: @escaping Answer
  ) {
    let answer: Answer = { [self] outcome in
      auditor.ended(request, of: credentials, outcome)
      answer(outcome)
    }
    switch request {
    case .put(let params): put(params, client, answer)
    case .get(let params): get(params, client, answer)
    case .delete(let params):
      switch params.kind {
      case .plain, .immutable:
        operate(answer) { node, now throws(OperationRefusal) in
          try node.delete(now, key: params.key, for: client)
        }
      case .signed:
        sign(answer) { [recordKey] node, now throws(OperationRefusal) in
          try node.put(
            now, value: SignedText.deletion, salt: params.key, signedBy: recordKey, for: client)
        }
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
      resolve(params.addresses, answer) { [self] endpoints in
        guard !endpoints.isEmpty else {
          answer(.failure(.unresolved(params.addresses)))
          return
        }
        operate(answer) { node, now throws(OperationRefusal) in try node.bootstrap(now, endpoints) }
      }
    case .status:
      answer(.success(.status(StatusResult(driver, version: version, recordKey: recordKey.publicKey))))
    case .peers:
      answer(.success(.peers(PeersResult(driver.node.table, at: SystemClock.now.monotonic))))
    case .keys(let params):
      answer(keys(params))
    case .keyringList:
      answer(keyring.list())
    case .keyringAdd(let params):
      answer(mayChangeKeys(credentials) ? keyring.add(params) : .failure(.notYours))
    case .keyringUse(let params):
      answer(mayChangeKeys(credentials) ? keyring.use(params.fingerprint) : .failure(.notYours))
    case .keyringRemove(let params):
      answer(mayChangeKeys(credentials) ? keyring.remove(params.fingerprint) : .failure(.notYours))
    }
  }

  private func mayChangeKeys(_ client: PeerCredentials?) -> Bool {
    client.map { $0.user == 0 || $0.user == geteuid() } ?? false
  }

  /// A client is gone: what it asked for and has not begun is dropped, unless it changes something.
  func clientLeft(_ client: ClientID) { driver.clientLeft(client) }

  private func resolve(
    _ addresses: [HostPort], _ answer: @escaping Answer, then use: @escaping ([Endpoint]) -> Void
  ) {
    do throws(OperationRefusal) {
      try driver.resolve(addresses.map(NodeName.init), then: use)
    } catch {
      answer(.failure(ControlError(error)))
    }
  }

  private func put(_ params: PutParams, _ client: ClientID, _ answer: @escaping Answer) {
    if params.kind == .plain {
      operate(answer) { node, now throws(OperationRefusal) in
        try node.put(
          now, key: params.key, value: params.value, ttl: params.ttl, ifSeq: params.ifSeq, for: client)
      }
      return
    }
    let value = params.isBencoded ? params.value : SignedText.bencoded(params.value)
    guard KRPC.isCanonical(value) else {
      answer(
        .failure(
          .invalidParam(
            "value_bencoded_base64", "the value is not canonical bencoding; sort the keys of its dictionaries"
          )))
      return
    }
    guard params.kind == .signed else {
      operate(answer) { node, now throws(OperationRefusal) in
        try node.put(now, immutable: value, ttl: params.ttl, for: client)
      }
      return
    }
    guard let signed = params.signature else {
      sign(answer) { [recordKey] node, now throws(OperationRefusal) in
        try node.put(
          now, value: value, salt: params.key, signedBy: recordKey, ttl: params.ttl, ifSeq: params.ifSeq,
          for: client)
      }
      return
    }
    guard let owner = PublicKey(signed.publicKey), let signature = Signature(signed.signature) else {
      answer(.failure(.invalidParam("signature", "a public key has 32 bytes, and a signature 64")))
      return
    }
    let authorship = Record.Authorship(owner: owner, salt: params.key, signature: signature)
    sign(answer, as: owner) { node, now throws(OperationRefusal) in
      try node.put(
        now, value: value, seq: signed.seq, authorship: authorship, ttl: params.ttl, ifSeq: params.ifSeq,
        for: client)
    }
  }

  private func get(_ params: GetParams, _ client: ClientID, _ answer: @escaping Answer) {
    let name: RecordName
    switch params.kind {
    case .plain: name = .plain(key: params.key)
    case .immutable:
      guard let target = params.target.flatMap({ NodeID(bytes: $0) }) else {
        answer(.failure(.invalidParam("target", "target must be 40 hexadecimal digits")))
        return
      }
      name = .immutable(target)
    case .signed:
      name = .signed(params.publicKey.flatMap { PublicKey($0) } ?? recordKey.publicKey, salt: params.key)
    }
    operate(answer) { node, now throws(OperationRefusal) in
      try node.get(now, name, maxAge: params.maxAge, isTraced: params.trace, for: client)
    }
  }

  /// Writes a signed record: its result says by which key it is read.
  private func sign(
    _ answer: @escaping Answer, as owner: PublicKey? = nil,
    _ begin: (inout Node, Now) throws(OperationRefusal) -> OperationID
  ) {
    let publicKey = Hex.string((owner ?? recordKey.publicKey).bytes)
    operate({ answer($0.signed(by: publicKey)) }, begin)
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
    resolve([address], answer) { [self] endpoints in
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
    var after: PagePlace?
    if let cursor = params.cursor {
      guard let place = PagePlace(cursor: cursor) else {
        return .failure(.invalidParam("cursor", "cursor must be what the page before gave"))
      }
      after = place
    }
    let limit = Int(params.limit)
    // One more than the page has, to know whether another follows.
    let records = driver.store.page(
      prefix: params.prefix, after: after, limit: limit + 1, at: SystemClock.now.wall)
    let page = records.prefix(limit)
    let next = records.count > limit ? page.last.map { PagePlace(of: $0).cursor } : nil
    return .success(.keys(KeysResult(keys: page.map(HeldKey.init), cursor: next)))
  }
}

extension Result where Success == ControlResult, Failure == ControlError {
  /// The same, of a record that was signed by a key.
  fileprivate func signed(by publicKey: String) -> Self {
    guard case .success(.put(var put)) = self else { return self }
    put.publicKey = publicKey
    return .success(.put(put))
  }
}

extension PagePlace {
  /// What a client sends for what comes after: the target, the kind and the key, in hexadecimal digits.
  fileprivate var cursor: String {
    "\(id.target)" + Hex.string(CollectionOfOne(id.kind.rawValue)) + Hex.string(key)
  }

  fileprivate init?(cursor: String) {
    guard let bytes = Hex.bytes(cursor), bytes.count > NodeID.byteCount,
      let target = NodeID(bytes: Array(bytes.prefix(NodeID.byteCount))),
      let kind = RecordKind(rawValue: bytes[NodeID.byteCount])
    else { return nil }
    self.init(key: Array(bytes.dropFirst(NodeID.byteCount + 1)), id: RecordID(kind, target))
  }
}

extension NodeName {
  fileprivate init(_ address: HostPort) {
    self.init(host: address.host, port: address.port)
  }
}
