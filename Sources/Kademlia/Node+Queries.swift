/// What a query was sent for, and so where its answer goes.
enum Purpose: Sendable {
  /// A step of an operation's lookup.
  case lookup(OperationID)
  /// A store of an operation's record.
  case store(OperationID)
  /// A fresh token, after a holder refused the one it gave.
  case token(OperationID)
  /// Which newer version it is that a holder refused an operation's record for.
  case refusal(OperationID, RPCError)
  /// A read repair: nobody waits for it.
  case repair
  /// A record is offered to a node that came or came back.
  case handOff(RecordID)
  /// It has a newer version, which is wanted.
  case newer(RecordID)
  /// A node that queried us is asked whether it can be queried itself.
  case verification
  /// A node that has answered is asked to prove who it is.
  case proof
  /// A contact is asked whether it still lives.
  case liveness
  /// A bootstrap address or a lost contact, so that a partition merges.
  case probe
  /// A contact that had been lost is asked for its neighbours near us: it may be of another part of the
  /// network.
  case introduction
  /// A bootstrap address of the current attempt to join.
  case bootstrap
  /// A contact from before the start is asked whether it is still there.
  case reunion
  /// Someone asked for this ping or this bootstrap.
  case ping(OperationID)
  case userBootstrap(OperationID)
}

/// Sending queries, and what becomes of them.
extension Node {
  mutating func send(
    _ now: Now, _ method: Query.Method, to endpoint: Endpoint, expecting peer: NodeID?,
    for purpose: Purpose
  ) {
    let contact = peer.flatMap { shared.table.contact($0) }
    let alternate = contact.flatMap { $0.endpoint == endpoint ? $0.alternate : $0.endpoint }
    // A sender that is asked whether it can be queried takes one of the few places for that until it is late:
    // were that soon, a crowd of false senders would have us send as many pings as they do.
    let softTimeout =
      if case .verification = purpose { shared.parameters.softTimeoutUnknown } else {
        softTimeout(of: contact)
      }
    let nonce = asksForProof(method, for: purpose) ? inflight.makeNonce() : nil
    let query = QueryTable.Pending(
      peer: peer, endpoint: endpoint, alternate: alternate, method: method, purpose: purpose,
      sent: now.monotonic, softTimeout: softTimeout,
      // The first wait said how long an answer takes. Where that is next to nothing, a peer under load gets
      // the time to catch up.
      secondTimeout: max(softTimeout, shared.parameters.softTimeoutFloor * 2), nonce: nonce)
    let transaction = inflight.add(query)
    shared.counters.queriesSent += 1
    transmit(query, transaction, to: endpoint)
  }

  private mutating func transmit(
    _ pending: QueryTable.Pending, _ transaction: UInt32, to endpoint: Endpoint
  ) {
    // An answer goes by the family of its query unless more is wanted (BEP 32).
    let want: AddressFamilies = shared.identity.families == .all ? shared.identity.families : .init()
    let query = Query(sender: id, method: pending.method, want: want, nonce: pending.nonce)
    effects.append(
      .send(Message(transaction: ShortBytes(transaction), body: .query(query)), to: endpoint))
  }

  private func softTimeout(of contact: Contact?) -> Duration {
    // A stranger is waited for as long as most of the network takes: to wait longer for those that are far
    // away is to wait longer for all the dead ones that nodes tell of, and these are more.
    guard let usual = contact?.roundTrip.softTimeout ?? shared.roundTrips.softTimeout else {
      return shared.parameters.softTimeoutUnknown
    }
    return min(max(usual, shared.parameters.softTimeoutFloor), shared.parameters.softTimeoutUnknown)
  }

  // MARK: - Lateness

  mutating func isLate(_ now: Now, _ transaction: UInt32, _ query: QueryTable.Pending) {
    shared.counters.queriesResent += 1
    // The other family may work where this one does not.
    transmit(query, transaction, to: query.alternate ?? query.endpoint)
    guard let peer = query.peer else { return }
    if !shared.table.isLate(peer) { shared.unresponsivePeers.note(now.monotonic, peer) }
    switch query.purpose {
    case .lookup(let operation): updateLookup(now, operation) { $0.late(peer) }
    case .verification: maintenance.pingSettled(peer)
    default: break
    }
  }

  mutating func fellSilent(_ now: Now, _ query: QueryTable.Pending) {
    maintenance.doubt(now.monotonic)
    switch query.purpose {
    case .lookup(let operation):
      guard let peer = query.peer else { return }
      updateLookup(now, operation) { $0.silent(peer) }
    case .handOff:
      if let peer = query.peer { handOffs.fellSilent(now.monotonic, peer) }
    case .store(let operation), .token(let operation):
      guard let peer = query.peer else { return }
      storeFellSilent(now, operation, at: peer)
    case .refusal(let operation, let error):
      guard let peer = query.peer else { return }
      refusalExplained(now, operation, at: peer, error, nil)
    case .bootstrap:
      bootstrapSettled(now, query.endpoint)
    case .reunion:
      reunionSettled(now, query.endpoint)
    case .proof:
      if let peer = query.peer { notProved(now, peer) }
    // Whoever asked to join through a stranger waits as for a ping: it may be far away.
    case .repair, .newer, .verification, .liveness, .probe, .introduction, .ping, .userBootstrap:
      break
    }
  }

  mutating func hasFailed(_ now: Now, _ query: QueryTable.Pending) {
    shared.counters.queriesFailed += 1
    effects.append(.notice(.unanswered(query.method, query.endpoint)))
    if let peer = query.peer { lostAnswer(now, of: peer, query) }
    switch query.purpose {
    case .lookup(let operation):
      guard let peer = query.peer else { return }
      lookupFailed(now, operation, at: peer)
    case .store(let operation), .token(let operation):
      guard let peer = query.peer else { return }
      refusedStore(now, operation, at: peer, reason: .unanswered(after: shared.parameters.rpcTimeout))
    case .ping(let operation):
      finish(operation, .ping(.unanswered(after: shared.parameters.rpcTimeout)))
    case .userBootstrap(let operation):
      userBootstrapSettled(now, operation, query.endpoint, met: nil)
    case .repair, .refusal, .handOff, .newer, .verification, .proof, .liveness, .probe, .introduction,
      .bootstrap, .reunion:
      break
    }
  }

  private mutating func lostAnswer(
    _ now: Now, of peer: NodeID, _ query: QueryTable.Pending
  ) {
    // Somebody may have used its ID elsewhere: silence there says nothing of the contact.
    guard shared.table.contact(peer)?.isAt(query.endpoint) == true,
      let lost = shared.table.failed(now.monotonic, peer, sentAt: query.sent)
    else { return }
    maintenance.lost(lost.peer)
    hasLeft(now, lost)
  }

  /// A contact is not in the table any more.
  private mutating func hasLeft(_ now: Now, _ contact: Contact) {
    // Others may go on telling of it.
    shared.unresponsivePeers.note(now.monotonic, contact.id)
    if mayBeOffered(now, contact.id) { handOffs.left(now.monotonic, contact.id) }
    effects.append(.notice(.contactLost(contact.peer)))
    if shared.table.isEmpty {
      effects.append(.notice(.isolated))
      bootstrap.retry(now.monotonic)
    }
  }

  // MARK: - Answers

  mutating func receive(
    _ now: Now, _ response: Response, _ transaction: TransactionID, from source: Endpoint
  ) {
    guard let number = transaction.number, let query = inflight.take(number, from: source) else {
      shared.counters.strayAnswers += 1
      return
    }
    shared.counters.responsesReceived += 1
    var response = response
    let isHonest = examine(now, &response, to: query)
    let peer = Peer(id: response.sender, endpoint: source)
    let roundTrip = now.monotonic.since(query.sent)
    shared.roundTrips.sample(roundTrip)
    shared.unresponsivePeers.handleAnswer(of: response.sender)
    let isProven = isProof(response, to: query, from: source)
    admit(now, peer, roundTrip: roundTrip, for: query, isProven: isProven)
    if case .handOff = query.purpose, query.stage != .silent, let peer = query.peer {
      handOffs.settled(by: peer)
    }

    if let expected = query.peer, expected != response.sender {
      // Somebody else lives at that address now. Whom we meant has not answered.
      isNotThere(now, expected, query)
      return
    }
    guard isHonest else {
      shared.counters.forgedRecords += 1
      effects.append(.notice(.forgedRecord(peer)))
      // It lied about the record, so that the nodes it names are not to be believed either.
      if case .lookup(let operation) = query.purpose { lookupFailed(now, operation, at: peer.id) }
      return
    }
    switch query.purpose {
    case .lookup(let operation):
      if isTrusted(peer) {
        lookupAnswered(now, operation, peer, response, after: roundTrip)
      } else {
        hold(now, response, from: peer, of: operation, after: roundTrip)
      }
    case .proof:
      if !isProven { notProved(now, peer.id) }
    case .store(let operation):
      storeAnswered(now, operation, peer, response)
    case .token(let operation):
      tokenRenewed(now, operation, peer, response)
    case .refusal(let operation, let error):
      refusalExplained(now, operation, at: peer.id, error, response.held)
    case .bootstrap:
      if response.sender == id { bootstrap.forget(own: query.endpoint) }
      bootstrapSettled(now, query.endpoint)
    case .reunion:
      reunionSettled(now, query.endpoint)
    case .ping(let operation):
      finish(operation, .ping(.answered(peer, roundTrip: roundTrip)))
    case .userBootstrap(let operation):
      userBootstrapSettled(now, operation, query.endpoint, met: peer)
    case .verification:
      maintenance.pingSettled(peer.id)
    case .handOff(let record):
      offerAnswered(now, record, peer, response)
    case .newer(let record):
      newerVersionCame(now, record, response)
    case .introduction:
      introduced(now, by: peer, to: response.nodes)
    case .repair, .liveness, .probe:
      break
    }
  }

  /// Makes whole what the answer to a `get` says of a record, and checks that it may be believed.
  ///
  /// - Returns: whether it is what it says; false for what no honest node can have sent.
  private mutating func examine(
    _ now: Now, _ response: inout Response, to query: QueryTable.Pending
  ) -> Bool {
    guard case .get(let target, let kind, let asked) = query.method else { return true }
    guard let held = response.held else {
      // A node of another make that has nothing newer names the seq alone (BEP 44).
      if kind == .signed, asked != nil, let seq = response.storedSeq {
        response.held = .version(
          RecordVersion(seq: seq, expiry: now.wall.seconds + shared.parameters.unnamedTTL))
      }
      return true
    }
    guard case .record(let told) = held else {
      // Who names a version and does not show it may have made it up: of a plain record anybody could make
      // it, too.
      if kind != .plain, asked == nil { response.held = nil }
      return true
    }
    // The target of one kind can be made the target of another: the key of a plain record may be the public
    // key and salt of a signed one.
    guard kind.map({ $0 == told.id.kind }) ?? true else { return false }
    guard told.id.kind != .plain else { return told.target == target }
    let operation = operation(of: query.purpose)
    guard let salt = operation?.salt ?? salt(for: query.purpose) else {
      // What asked for it has ended: nobody will look at it.
      response.held = nil
      return true
    }
    let record = named(now, told.salted(with: salt)).clamped(
      toExpiry: now.wall.seconds + shared.parameters.maxTTL)
    response.held = .record(record)
    guard record.target == target else { return false }
    // Most nodes tell the same: it is checked once.
    if let operation, let known = operation.authentic, known.binding == record.binding,
      known.isSameVersion(as: record)
    {
      return true
    }
    guard record.isAuthentic else { return false }
    operation?.authentic = record
    return true
  }

  private func operation(of purpose: Purpose) -> Operation? {
    switch purpose {
    case .lookup(let id), .token(let id), .refusal(let id, _): operations[id]
    case .store, .repair, .handOff, .newer, .verification, .proof, .liveness, .probe, .introduction,
      .bootstrap,
      .reunion, .ping, .userBootstrap:
      nil
    }
  }

  /// The salt of the record that a query outside of any operation asks for.
  private func salt(for purpose: Purpose) -> [UInt8]? {
    switch purpose {
    case .handOff(let id), .newer(let id): shared.records.stored(id)?.record.name.salt
    case .lookup, .store, .token, .refusal, .repair, .verification, .proof, .liveness, .probe, .introduction,
      .bootstrap, .reunion, .ping, .userBootstrap:
      nil
    }
  }

  mutating func receive(
    _ now: Now, _ error: RPCError, _ transaction: TransactionID, from source: Endpoint
  ) {
    guard let number = transaction.number, let query = inflight.take(number, from: source) else {
      shared.counters.strayAnswers += 1
      return
    }
    shared.counters.errorsReceived += 1
    // A refusal is an answer too: the node is alive. It does not say which node, so that it brings
    // nobody into the shared.table.
    if let peer = query.peer, shared.table.contact(peer) != nil {
      let roundTrip = now.monotonic.since(query.sent)
      _ = shared.table.answered(
        now.monotonic, Peer(id: peer, endpoint: source), roundTrip: roundTrip)
    }
    switch query.purpose {
    case .lookup(let operation):
      guard let peer = query.peer else { return }
      lookupFailed(now, operation, at: peer)
    case .store(let operation):
      guard let peer = query.peer else { return }
      storeRefused(now, operation, at: Peer(id: peer, endpoint: source), error)
    case .token(let operation):
      guard let peer = query.peer else { return }
      refusedStore(now, operation, at: peer, reason: .refused(error))
    case .bootstrap:
      bootstrapSettled(now, query.endpoint)
    case .reunion:
      reunionSettled(now, query.endpoint)
    case .userBootstrap(let operation):
      userBootstrapSettled(now, operation, query.endpoint, met: nil)
    case .ping(let operation):
      finish(operation, .ping(.refused(error)))
    case .refusal(let operation, let reason):
      guard let peer = query.peer else { return }
      refusalExplained(now, operation, at: peer, reason, nil)
    case .handOff:
      if query.stage != .silent, let peer = query.peer { handOffs.settled(by: peer) }
    case .proof:
      if let peer = query.peer { notProved(now, peer) }
    case .repair, .newer, .verification, .liveness, .probe, .introduction:
      break
    }
  }

  private mutating func isNotThere(
    _ now: Now, _ expected: NodeID, _ query: QueryTable.Pending
  ) {
    lostAnswer(now, of: expected, query)
    if case .reunion = query.purpose { reunionSettled(now, query.endpoint) }
    switch query.purpose {
    case .lookup(let operation):
      lookupFailed(now, operation, at: expected)
    case .store(let operation), .token(let operation):
      refusedStore(now, operation, at: expected, reason: .replaced)
    case .refusal(let operation, let error):
      refusalExplained(now, operation, at: expected, error, nil)
    case .proof:
      notProved(now, expected)
    case .repair, .handOff, .newer, .verification, .liveness, .probe, .introduction, .bootstrap, .reunion,
      .ping, .userBootstrap:
      break
    }
  }

  /// A node has answered a query of ours: it may enter the shared.table.
  private mutating func admit(
    _ now: Now, _ peer: Peer, roundTrip: Duration, for query: QueryTable.Pending, isProven: Bool
  ) {
    let purpose = query.purpose
    if isProven { proved(now, peer) }
    guard isTrusted(peer) else {
      // A lookup asks of itself, where its answer waits.
      if query.nonce == nil, case .lookup = purpose { return }
      if query.nonce == nil, maintenance.mayPing(now.monotonic, peer.id) { askForProof(now, peer) }
      return
    }
    if !isProven, let occupant = shared.table.occupant(of: peer.endpoint), occupant != peer.id,
      shared.table.contact(occupant)?.isProven == true
    {
      // Whoever takes the place of one that has proven who it is proves it first.
      if query.nonce == nil, maintenance.mayPing(now.monotonic, occupant) { askForProof(now, peer) }
      return
    }
    if let evicted = shared.table.vacate(peer.endpoint, for: peer.id) { hasLeft(now, evicted) }
    let wasEmpty = shared.table.isEmpty
    let hadFailed = (shared.table.contact(peer.id)?.failures ?? 0) > 0
    switch shared.table.answered(now.monotonic, peer, roundTrip: roundTrip, isProven: isProven) {
    case .ignored:
      // Who has moved can prove it.
      if shared.asksForProofs, query.nonce == nil, shared.table.contact(peer.id)?.isProven == true,
        maintenance.mayPing(now.monotonic, peer.id)
      {
        askForProof(now, peer)
      }
    case .crowded:
      return
    case .known:
      // It may have missed what was stored while it did not answer.
      if hadFailed, mayBeOffered(now, peer.id) { handOffs.cameBack(now.monotonic, peer) }
    case .added:
      handOffs.came(now.monotonic, peer, isOffered: mayBeOffered(now, peer.id))
      effects.append(.notice(.contactAdded(peer)))
      if shared.asksForProofs, query.nonce == nil { askForProof(now, peer) }
      met(now, peer, isFirst: wasEmpty, for: purpose)
    case .waiting(let stalest):
      // There is no place for it in the table, but there may be records that it should hold.
      if case .verification = purpose, mayBeOffered(now, peer.id) {
        handOffs.announced(now.monotonic, peer)
      }
      let quiet = now.monotonic.since(shared.table.contact(stalest.id)?.lastAnswered ?? now.monotonic)
      // One that has just been heard need not be asked again.
      guard quiet > shared.parameters.livenessInterval, maintenance.mayPing(now.monotonic, stalest.id)
      else { return }
      send(now, .ping, to: stalest.endpoint, expecting: stalest.id, for: .liveness)
    }
  }
}

extension RPCError: CustomStringConvertible {
  /// What it refused, for people: the words of the other node, with the code.
  package var description: String { "error \(code): \(message)" }
}
