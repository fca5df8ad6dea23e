import ControlProtocol
import Glibc
import Kademlia
import NodeRuntime
import Signatures

/// Carries out clients' requests. A request becomes an operation of the node, and its outcome becomes the
/// answer.
final class ControlService {
  typealias Answer = (Result<ControlResult, ControlError>) -> Void

  private let node: any ControlledNode
  private let version: String
  private let recordKey: SigningKey
  private let keyring: KeyringService
  private let auditor: Auditor

  init(
    _ node: any ControlledNode, version: String, recordKey: SigningKey, keyring: KeyringService,
    auditor: Auditor
  ) {
    self.node = node
    self.recordKey = recordKey
    self.version = version
    self.keyring = keyring
    self.auditor = auditor
  }

  /// Carries out a request and answers exactly once, now or later.
  ///
  /// - Parameters:
  ///   - client: the client that sent it; waiting clients take turns.
  ///   - credentials: the client's process and user.
  func carryOut(
    _ request: ControlRequest, for client: ClientID, _ credentials: PeerCredentials?,
    then answer: @escaping Answer
  ) {
    let answer: Answer = { [self] outcome in
      auditor.handleEnd(of: request, by: credentials, outcome)
      answer(outcome)
    }
    switch request {
    case .put(let params):
      put(params, client) { answer($0.requiring(minCopies: params.minCopies)) }
    case .get(let params):
      get(params, client) { answer(params.isStrict ? $0.requiringConfirmation() : $0) }
    case .delete(let params):
      switch params.kind {
      case .plain, .immutable: submit(.delete(key: params.key), client, answer)
      case .signed: sign(SignedText.deletion, salt: params.key, client, answer)
      }
    case .lookup(let params):
      switch params {
      case .key(let key): submit(.lookupKey(key), client, answer)
      case .target(let bytes):
        guard let target = NodeID(bytes: bytes) else {
          answer(.failure(.invalidParam("target", "target must be 40 hexadecimal digits")))
          return
        }
        submit(.lookup(target), client, answer)
      }
    case .ping(let params):
      ping(params.address, client, answer)
    case .bootstrap(let params):
      resolve(params.addresses, answer) { [self] endpoints in
        let usable = endpoints.filter { !$0.isUnusable }
        guard !usable.isEmpty else {
          answer(.failure(.unresolved(params.addresses)))
          return
        }
        submit(.bootstrap(usable), client, answer)
      }
    case .forget(let params):
      answer(forget(params))
    case .status:
      answer(.success(.status(StatusResult(node.snapshot, version: version, recordKey: recordKey.publicKey))))
    case .peers:
      answer(.success(.peers(PeersResult(node.contactSnapshots, silent: node.snapshot.silentNodes))))
    case .keys(let params):
      answer(keys(params))
    case .keyringList:
      answer(keyring.list())
    case .keyringAdd(let params):
      answer(mayChangeKeys(credentials) ? keyring.add(params) : .failure(.notPermitted))
    case .keyringUse(let params):
      answer(mayChangeKeys(credentials) ? keyring.use(params.fingerprint) : .failure(.notPermitted))
    case .keyringRemove(let params):
      answer(mayChangeKeys(credentials) ? keyring.remove(params.fingerprint) : .failure(.notPermitted))
    }
  }

  private func mayChangeKeys(_ client: PeerCredentials?) -> Bool {
    client.map { $0.user == 0 || $0.user == geteuid() } ?? false
  }

  /// Drops the waiting requests of a client that has disconnected, except those that change something.
  func handleDeparture(of client: ClientID) { node.handleDeparture(of: client) }

  private func resolve(
    _ addresses: [HostPort], _ answer: @escaping Answer, then use: @escaping ([Endpoint]) -> Void
  ) {
    do throws(OperationRefusal) {
      try node.resolve(addresses.map(NodeName.init), then: use)
    } catch {
      answer(.failure(ControlError(error)))
    }
  }

  private func put(_ params: PutParams, _ client: ClientID, _ answer: @escaping Answer) {
    if params.kind == .plain {
      let put = OperationRequest.put(
        key: params.key, value: params.value, ttl: params.ttl, ifSeq: params.ifSeq)
      return submit(put, client, answer)
    }
    let value = params.isBencoded ? params.value : SignedText.bencoded(params.value)
    guard OperationRequest.isCanonical(value) else {
      answer(
        .failure(
          .invalidParam(
            "value_bencoded_base64", "the value is not canonical bencoding; sort the keys of its dictionaries"
          )))
      return
    }
    guard params.kind == .signed else {
      return submit(.putImmutable(value: value, ttl: params.ttl), client, answer)
    }
    guard let signed = params.signature else {
      return sign(value, salt: params.key, ttl: params.ttl, ifSeq: params.ifSeq, client, answer)
    }
    guard let owner = PublicKey(signed.publicKey), let signature = Signature(signed.signature) else {
      answer(.failure(.invalidParam("signature", "a public key has 32 bytes, and a signature 64")))
      return
    }
    let authorship = Record.Authorship(owner: owner, salt: params.key, signature: signature)
    let put = OperationRequest.putSigned(
      value: value, seq: signed.seq, authorship: authorship, ttl: params.ttl, ifSeq: params.ifSeq)
    submit(put, client) { answer($0.signed(by: owner)) }
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
    submit(.get(name, maxAge: params.maxAge, isTraced: params.trace), client, answer)
  }

  /// Stores a record signed with the node's record key.
  private func sign(
    _ value: [UInt8], salt: [UInt8], ttl: Int64? = nil, ifSeq: Int64? = nil, _ client: ClientID,
    _ answer: @escaping Answer
  ) {
    let owner = recordKey.publicKey
    submit(.sign(value: value, salt: salt, key: recordKey, ttl: ttl, ifSeq: ifSeq), client) {
      answer($0.signed(by: owner))
    }
  }

  private func submit(_ request: OperationRequest, _ client: ClientID, _ answer: @escaping Answer) {
    do throws(OperationRefusal) {
      try node.submit(request, for: client) { answer(.init($0)) }
    } catch {
      answer(.failure(ControlError(error)))
    }
  }

  private func ping(_ address: HostPort, _ client: ClientID, _ answer: @escaping Answer) {
    resolve([address], answer) { [self] endpoints in
      // The node can reach only addresses of a family that it is bound to.
      let families = node.families
      let usable = endpoints.first {
        families.contains(AddressFamilies($0.address.family)) && !$0.isUnusable
      }
      guard let endpoint = usable else {
        answer(.failure(.unresolved([address])))
        return
      }
      submit(.ping(endpoint), client, answer)
    }
  }

  private func forget(_ params: ForgetParams) -> Result<ControlResult, ControlError> {
    var wanted: NodeID?
    if case .node(let bytes) = params {
      guard let id = NodeID(bytes: bytes) else {
        return .failure(.invalidParam("node_id", "node_id must be 40 hexadecimal digits"))
      }
      wanted = id
    }
    let nodes = node.forget(wanted).map { MetNode(nodeID: "\($0.id)", address: "\($0.endpoint)") }
    if nodes.isEmpty, let wanted {
      return .failure(
        ControlError(
          .notFound, "no silent node has the ID \(wanted); 'dhtctl peers' lists those that are silent"))
    }
    return .success(.forget(ForgetResult(nodes: nodes)))
  }

  private func keys(_ params: KeysParams) -> Result<ControlResult, ControlError> {
    var after: PagePlace?
    if let cursor = params.cursor {
      guard let place = PagePlace(cursor: cursor) else {
        return .failure(.invalidParam("cursor", "cursor must be the one that the previous page returned"))
      }
      after = place
    }
    let limit = Int(params.limit)
    // One record more than the page holds shows whether another page follows.
    let records = node.page(prefix: params.prefix, after: after, limit: limit + 1)
    let page = records.prefix(limit)
    let next = records.count > limit ? page.last.map { PagePlace(of: $0).cursor } : nil
    return .success(.keys(KeysResult(keys: page.map(HeldKey.init), cursor: next)))
  }
}

extension Result where Success == ControlResult, Failure == ControlError {
  /// The same result with the public key that reads the signed record.
  fileprivate func signed(by owner: PublicKey) -> Self {
    guard case .success(.put(var put)) = self else { return self }
    put.publicKey = Hex.string(owner.bytes)
    return .success(.put(put))
  }
}

extension PagePlace {
  /// The cursor of the page after this place: the target, the kind and the key, in hexadecimal digits.
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
