/// Proofs of identity: asking for them, giving them, and what follows.
extension Node {
  /// Whether a query asks for a proof: the pings by which nodes are met, for that is when it matters.
  func asksForProof(_ method: Query.Method, for purpose: Purpose) -> Bool {
    guard shared.asksForProofs, method == .ping else { return false }
    switch purpose {
    case .verification, .proof, .bootstrap, .userBootstrap, .reunion, .probe: return true
    case .lookup, .store, .token, .refusal, .repair, .handOff, .newer, .liveness, .introduction, .ping:
      return false
    }
  }

  /// What a ping with a nonce is answered with.
  mutating func credentials(_ now: Now, for query: Query, from source: Endpoint) -> Credentials? {
    guard let nonce = query.nonce, let key = shared.identity.key,
      identities.mayProve(now.monotonic, isFriend: shared.table.contact(query.sender)?.isAt(source) == true)
    else { return nil }
    let asker = Peer(id: query.sender, endpoint: source)
    return IdentityProof(key, nonce, for: asker, by: id).map { .proof($0, seen: source) }
  }

  /// Whether an answer proves who has sent it.
  mutating func isProof(_ response: Response, to query: QueryTable.Pending, from source: Endpoint)
    -> Bool
  {
    guard let nonce = query.nonce, case .proof(let proof, let seen)? = response.credentials else {
      return false
    }
    let isRight =
      response.sender != id && proof.isRight(of: response.sender, nonce, for: Peer(id: id, endpoint: seen))
    // The first voice of all is taken at its word; after that the others decide, and then this one is heard.
    let isOurs = isRight && identities.own.contains(seen)
    if isRight { identities.own.heard(seen, from: source.address) }
    guard isOurs else {
      shared.counters.proofsRefused += 1
      return false
    }
    shared.counters.proofsAccepted += 1
    return true
  }

  /// Asks a node to prove who it is.
  mutating func askForProof(_ now: Now, _ peer: Peer) {
    send(now, .ping, to: peer.endpoint, expecting: peer.id, for: .proof)
  }

  /// Whether a node may have a part in what people do, and in the shared.table.
  func isTrusted(_ peer: Peer) -> Bool {
    guard shared.asksForProofs, shared.parameters.identity == .require else { return true }
    return identities.isProven(peer)
      || shared.table.contact(peer.id).map { $0.isProven && $0.isAt(peer.endpoint) } ?? false
  }

  /// An answer to a lookup of a node that has yet to prove who it is.
  mutating func hold(
    _ now: Now, _ response: Response, from peer: Peer, of operation: OperationID, after roundTrip: Duration
  ) {
    let isAsked = identities.waits(for: peer.id)
    let answer = Identities.HeldAnswer(
      operation: operation, peer: peer, response: response, roundTrip: roundTrip)
    guard identities.hold(answer) else { return lookupFailed(now, operation, at: peer.id) }
    if !isAsked { askForProof(now, peer) }
  }

  /// A node has proven who it is: its answers count.
  mutating func proved(_ now: Now, _ peer: Peer) {
    identities.prove(peer)
    for answer in identities.release(peer.id) {
      if answer.peer == peer {
        lookupAnswered(now, answer.operation, peer, answer.response, after: answer.roundTrip)
      } else {
        lookupFailed(now, answer.operation, at: peer.id)
      }
    }
  }

  /// A node was asked, and has not.
  mutating func notProved(_ now: Now, _ peer: NodeID) {
    for answer in identities.release(peer) { lookupFailed(now, answer.operation, at: peer) }
  }
}
