import Crypto
import NodeTime

/// Answers the queries of other nodes, as far as the rate limits allow it.
///
/// The responder owns the state that answers depend on and nothing else does: the write tokens, the limits of each
/// source, and the budget for proofs of identity.
struct Responder: Sendable {
  private var tokens: WriteTokenIssuer
  private var quota: SourceQuota
  private var limiter: RateLimiter
  /// The proofs of identity that this node may make now. Each costs as much as ten answers. Half of them are
  /// reserved for contacts, so that no crowd of strangers keeps this node from proving itself to the nodes that
  /// it works with.
  private var proofAllowance = TokenBucket()
  private let encodedSize: @Sendable (Message) -> Int
  private let tellsAddresses: Bool

  /// The proofs a second, and also the most at once.
  private static let proofs = TokenBucket.Rate(200)

  init(
    _ now: Instant, secret: [UInt8], _ parameters: Parameters, tellsAddresses: Bool = false,
    encodedSize: @escaping @Sendable (Message) -> Int
  ) {
    self.encodedSize = encodedSize
    self.tellsAddresses = tellsAddresses
    tokens = WriteTokenIssuer(secret: secret, epoch: parameters.tokenEpoch)
    // The salt is derived and not drawn, so that the numbers that a node draws from a given source stay the same.
    let salt = Self.salt(from: secret)
    quota = SourceQuota(now, limit: parameters.keysPerSource, salt: salt)
    limiter = RateLimiter(parameters.floods, salt: salt)
  }

  /// Derives the bits that determine where sources are placed in their tables. They reveal nothing of the secret.
  private static func salt(from secret: [UInt8]) -> UInt64 {
    let mac = HMAC<SHA256>.authenticationCode(
      for: Array("sources".utf8), using: SymmetricKey(data: secret))
    // The MAC has 32 bytes, more than the 8 that are read.
    return unsafe mac.withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self).bigEndian }
  }

  mutating func adopt(_ parameters: Parameters) {
    quota.limit = parameters.keysPerSource
    limiter.adopt(parameters.floods)
  }

  // MARK: - Admission

  /// Returns whether no limit applies to an address.
  func isExempt(_ address: IPAddress) -> Bool { limiter.isExempt(address) }

  /// Notes that an address receives what is sent to it.
  mutating func prove(_ now: Instant, _ address: IPAddress) { limiter.prove(now, address) }

  /// Counts a datagram that this node did not ask for.
  mutating func admit(_ now: Instant, bytes: Int, from address: IPAddress) -> Admission {
    limiter.admit(now, bytes, from: address)
  }

  /// Returns whether a source should prove that it receives what is sent to its address.
  func wantsProof(_ now: Instant, of address: IPAddress) -> Bool { limiter.wantsProof(now, of: address) }

  // MARK: - Answers

  /// Answers a query, or has its record stored and answers after that.
  ///
  /// - Parameter isHandedOver: the answer to a sender that asks whether it has been given what it should hold; nil for
  ///   any other query.
  mutating func answer(
    _ now: Now, _ query: Query, _ transaction: TransactionID, from source: Endpoint, isHandedOver: Bool?,
    _ shared: borrowing Shared, _ out: inout [Directive], _ effects: inout [Effect]
  ) {
    // A sender that shows a valid token does receive what is sent to its address.
    let isTokenGood =
      if case .put(_, let token, _) = query.method {
        tokens.accepts(token, now.monotonic, from: source.address)
      } else {
        false
      }
    if isTokenGood { limiter.prove(now.monotonic, source.address) }
    guard mayAnswer(now.monotonic, source, &out) else { return }
    let response: Response
    switch query.method {
    case .ping:
      // Nothing but the ID, as in BEP 5.
      response = Response(
        sender: shared.id, credentials: tryProve(now.monotonic, for: query, from: source, shared))
    case .findNode(let target):
      if target == query.sender, shared.isContact(query.sender, at: source) {
        out.append(.handleAnnouncement(of: Peer(id: query.sender, endpoint: source)))
      }
      response = Response(
        sender: shared.id,
        nodes: shared.nodes(near: target, for: query, from: source)
          + shared.otherAddress(for: query, from: source),
        keepsPlainRecords: true, isHandedOver: isHandedOver)
    case .get(let target, let kind, let seq):
      let held = shared.held(now, target, kind, unlessNewerThan: seq)
      if let kind, let held, held.version.seq == seq {
        noteLookedAfter(RecordID(kind, target), by: query, from: source, shared, &out)
      }
      let nodes = shared.nodes(near: target, for: query, from: source)
      let lost =
        held == nil
        ? shared.lostNodes(now.monotonic, near: target, besides: nodes, keeping: kind ?? .plain) : []
      // An answer with a record may be full already.
      let own = held == nil ? shared.otherAddress(for: query, from: source) : []
      response = Response(
        sender: shared.id, nodes: nodes + own, token: tokens.issue(now.monotonic, to: source.address),
        keepsPlainRecords: true, lost: lost, isNew: held == nil && shared.isNew, held: held)
    case .put(let sent, _, let cas):
      let record = shared.withDefaultExpiry(now, sent)
      if let error = storeError(now, record, cas, isTokenGood: isTokenGood, from: source, shared, &out) {
        out.append(.count(\.recordsRefused, 1))
        return send(now.monotonic, .error(error), transaction, to: source, &effects)
      }
      // A node that stores the record here stores it at the other holders, too.
      noteLookedAfter(record.id, by: query, from: source, shared, &out)
      out.append(.commit(.keep(record), for: .answer(transaction, source, seq: record.version.seq)))
      return
    }
    send(now.monotonic, .response(response), transaction, to: source, &effects)
  }

  /// Answers a query whose record is stored now, or could not be.
  mutating func handleCommit(
    _ now: Instant, _ result: Result<Int, StoreError>, of transaction: TransactionID, from source: Endpoint,
    seq: Int64, _ shared: borrowing Shared, _ out: inout [Directive], _ effects: inout [Effect]
  ) {
    switch result {
    case .success:
      out.append(.count(\.recordsStored, 1))
      send(now, .response(Response(sender: shared.id, storedSeq: seq)), transaction, to: source, &effects)
    case .failure(let error):
      out.append(.count(\.recordsRefused, 1))
      send(now, .error(RPCError(error)), transaction, to: source, &effects)
    }
  }

  /// Returns whether the limit of answers to unproven addresses leaves room for an answer, and counts it as
  /// withheld if not.
  private func mayAnswer(_ now: Instant, _ source: Endpoint, _ out: inout [Directive]) -> Bool {
    guard !limiter.mayAnswer(now, source.address) else { return true }
    out.append(.count(\.answersWithheld, 1))
    return false
  }

  /// Sends a reply to a datagram that was not answered as a query, if the limit of answers to unproven addresses
  /// leaves room for it.
  mutating func trySend(
    _ now: Instant, _ reply: Message, to source: Endpoint, _ out: inout [Directive],
    _ effects: inout [Effect]
  ) {
    guard mayAnswer(now, source, &out) else { return }
    send(now, reply.body, reply.transaction, to: source, &effects)
  }

  private mutating func send(
    _ now: Instant, _ body: Message.Body, _ transaction: TransactionID, to source: Endpoint,
    _ effects: inout [Effect]
  ) {
    var message = Message(transaction: transaction, body: body)
    if tellsAddresses, case .response(var response) = body, response.credentials == nil {
      response.credentials = .seen(source)
      message.body = .response(response)
    }
    let encodedSize = encodedSize
    limiter.countAnswer(now, encodedSize(message), to: source.address)
    effects.append(.send(message, to: source))
  }

  /// Returns the length of a message on the wire.
  func size(of message: Message) -> Int { encodedSize(message) }

  /// Makes the credentials that answer a ping with a nonce.
  ///
  /// - Returns: nil if the ping has no nonce, this node has no key, or too many proofs were made lately.
  private mutating func tryProve(
    _ now: Instant, for query: Query, from source: Endpoint, _ shared: borrowing Shared
  ) -> Credentials? {
    guard let nonce = query.nonce, let key = shared.identity.key else { return nil }
    let isContact = shared.isContact(query.sender, at: source)
    guard proofAllowance.take(now.nanoseconds, 1, at: Self.proofs, leavingHalf: !isContact) else {
      return nil
    }
    let asker = Peer(id: query.sender, endpoint: source)
    return IdentityProof(key, nonce, for: asker, by: shared.id).map { .proof($0, seen: source) }
  }

  // MARK: - Records of others

  /// Returns an error if a record is not stored here; nil if it is. The rates are checked before the signature,
  /// because checking a signature takes long.
  private mutating func storeError(
    _ now: Now, _ record: Record, _ cas: Int64?, isTokenGood: Bool, from source: Endpoint,
    _ shared: borrowing Shared, _ out: inout [Directive]
  ) -> RPCError? {
    guard isTokenGood else { return RPCError(RPCError.protocolError, "bad token") }
    return rateLimitError(now.monotonic, record, from: source, &out) ?? shared.validationError(
      now, record, cas)
      ?? overloadError(now.monotonic, record, from: source, shared) ?? shared.signatureError(record)
  }

  /// Returns an error if the source has stored too much lately; nil if not.
  private mutating func rateLimitError(
    _ now: Instant, _ record: Record, from source: Endpoint, _ out: inout [Directive]
  ) -> RPCError? {
    // Checking a signature takes as long as several writes.
    let cost = record.id.kind == .signed ? 4 : 1
    guard !limiter.tryStore(now, from: source.address, cost) else { return nil }
    out.append(.count(\.storesOverLimit, 1))
    return RPCError(RPCError.busy, "too many records from this address")
  }

  /// Returns an error if this node is too busy or too full for a valid record; nil if it is not.
  private mutating func overloadError(
    _ now: Instant, _ record: Record, from source: Endpoint, _ shared: borrowing Shared
  ) -> RPCError? {
    guard shared.commits.count < shared.parameters.pendingCommits else {
      return RPCError(RPCError.busy, "the store is busy")
    }
    guard shared.records.stored(record.id) == nil, !limiter.isExempt(source.address) else { return nil }
    let fullness = shared.records.usage.fullness
    guard quota.tryAddKey(now, from: source.address, fullness: fullness) else {
      return RPCError(RPCError.busy, "too many new keys from this address for a store that is nearly full")
    }
    return nil
  }

  /// Notes that another node has asked for a record with the seq held here, or has stored it. This is how a
  /// holder or the publisher looks after the record, and one of them is enough.
  private func noteLookedAfter(
    _ id: RecordID, by query: Query, from source: Endpoint, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) {
    // A stranger's claim must not keep a record from being looked after.
    guard shared.isContact(query.sender, at: source) else { return }
    out.append(.noteLookedAfter(id))
  }
}

extension Shared {
  /// Returns whether a node is a contact at this address.
  fileprivate func isContact(_ id: NodeID, at endpoint: Endpoint) -> Bool {
    table.contact(id)?.isAt(endpoint) == true
  }

  /// The nodes that this node lost lately and that may hold a record, closest first: those nearer than the furthest
  /// of the nodes that the asker is told of.
  fileprivate func lostNodes(
    _ now: Instant, near target: NodeID, besides nodes: [Peer], keeping kind: RecordKind
  ) -> [NodeID] {
    let furthest =
      nodes.count < parameters.k ? nil : nodes.map { target.distance(to: $0.id) }.max()
    return silentMembers(now, closestTo: target, keeping: kind).map(\.id).filter { id in
      furthest.map { target.distance(to: id) < $0 } ?? true
    }
  }

  /// This node under its address in the other family than the one in which it is asked, for an asker that uses both;
  /// none if it is not bound to such an address.
  fileprivate func otherAddress(for query: Query, from source: Endpoint) -> [Peer] {
    guard query.want == .all else { return [] }
    let other = identity.endpoints.first {
      $0.address.family != source.address.family && $0.isUsable(namedBy: source)
    }
    return other.map { [Peer(id: id, endpoint: $0)] } ?? []
  }

  /// The contacts known to be alive that are closest to a target: K of each family that the asker uses.
  fileprivate func nodes(near target: NodeID, for query: Query, from source: Endpoint) -> [Peer] {
    let families = query.want.isEmpty ? AddressFamilies(source.address.family) : query.want
    return table.peers(
      closestTo: target, count: parameters.k, for: query.sender, at: source, in: families)
  }
}
