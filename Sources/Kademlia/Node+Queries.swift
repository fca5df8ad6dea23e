import NodeTime

/// Queries from sending to the last event, and the effect of their answers on the routing table.
extension Node {
  /// Sends a query. Its events go to its owner.
  mutating func send(
    _ now: Now, _ method: Query.Method, to endpoint: Endpoint, expecting peer: NodeID?,
    for owner: QueryOwner
  ) {
    let contact = peer.flatMap { shared.table.contact($0) }
    // A node that uses a contact's ID elsewhere need not be the contact.
    let known = contact.flatMap { $0.isAt(endpoint) ? $0 : nil }
    let alternate = known.flatMap { $0.endpoint == endpoint ? $0.alternate : $0.endpoint }
    // A sender under verification takes one of the few places for such pings until it is late. If it were
    // late soon, a crowd of false senders would make this node send as many pings as they send queries.
    let softTimeout =
      if case .verification = owner {
        shared.parameters.softTimeoutUnknown
      } else {
        softTimeout(of: contact)
      }
    let wantsProof = shared.asksForProofs && method == .ping && owner.wantsProof
    let query = QueryTable.Pending(
      peer: peer, endpoint: endpoint, alternate: alternate, method: method, owner: owner,
      sent: now.monotonic, softTimeout: softTimeout,
      // The first wait showed how long an answer takes. If that is next to nothing, a peer under load gets
      // the time to catch up.
      secondTimeout: max(softTimeout, shared.parameters.softTimeoutFloor * 2),
      nonce: wantsProof ? queries.makeNonce() : nil)
    let transaction = queries.add(query)
    shared.counters.queriesSent += 1
    transmit(query, transaction, to: endpoint)
  }

  private mutating func transmit(
    _ pending: QueryTable.Pending, _ transaction: UInt32, to endpoint: Endpoint
  ) {
    // An answer names nodes of the query's address family unless the query asks for more (BEP 32).
    let families = shared.identity.families
    let query = Query(
      sender: id, method: pending.method, want: families == .all ? families : .init(), nonce: pending.nonce,
      asksForHandOff: shared.isNew && isAboutNeighbours(pending.method))
    effects.append(
      .send(Message(transaction: ShortBytes(transaction), body: .query(query)), to: endpoint))
  }

  /// Returns whether a query asks for the nodes near this one.
  private func isAboutNeighbours(_ method: Query.Method) -> Bool {
    guard case .findNode(let target) = method else { return false }
    return target == id || target == id.neighbour
  }

  private func softTimeout(of contact: Contact?) -> Duration {
    // A stranger is given as long as most of the network needs. A longer wait for distant nodes would also be
    // a longer wait for all the dead nodes in answers, and there are more of these.
    guard let expected = contact?.roundTrip.softTimeout ?? shared.roundTrips.softTimeout else {
      return shared.parameters.softTimeoutUnknown
    }
    return min(max(expected, shared.parameters.softTimeoutFloor), shared.parameters.softTimeoutUnknown)
  }

  // MARK: - Routing of events

  /// Gives an event of a query to the owner of the query.
  private mutating func route(_ now: Now, _ kind: QueryEvent.Kind, _ query: QueryTable.Pending) {
    switch query.owner {
    case .operation(let id, let step):
      guard let peer = query.peer else { return }
      operations.handle(now, kind, peer, of: id, step, shared, &directives)
    case .ping(let id): handlePing(kind, of: id, at: query.endpoint)
    case .copy: break
    default: jobs.handle(now, QueryEvent(query: query, kind: kind), shared, &directives)
    }
  }

  private mutating func handlePing(
    _ kind: QueryEvent.Kind, of operation: OperationID, at endpoint: Endpoint
  ) {
    switch kind {
    case .answered(let answer):
      finish(operation, .ping(.answered(answer.peer, roundTrip: answer.roundTrip)))
    case .refused(let error, _): finish(operation, .ping(.refused(error)))
    case .timedOut: finish(operation, .ping(.unanswered(endpoint, after: shared.parameters.rpcTimeout)))
    case .late, .unresponsive, .forged, .replaced: break
    }
  }

  // MARK: - Timeouts

  /// Handles a query that is past its first soft timeout: the query is sent once more.
  mutating func handleLate(_ now: Now, _ transaction: UInt32, _ query: QueryTable.Pending) {
    shared.counters.queriesResent += 1
    // The other address family may work if this one does not.
    transmit(query, transaction, to: query.alternate ?? query.endpoint)
    guard let peer = query.peer else { return }
    // Silence at another address says nothing about a contact.
    if shared.table.contact(peer).map({ $0.isAt(query.endpoint) }) ?? true,
      !shared.table.markQuestionable(peer)
    {
      shared.unresponsivePeers.note(now.monotonic, peer)
    }
    route(now, .late, query)
  }

  /// Handles a query that is past its second soft timeout.
  mutating func handleUnresponsive(_ now: Now, _ query: QueryTable.Pending) {
    jobs.liveness.handleUnresponsive(now.monotonic, shared)
    route(now, .unresponsive, query)
  }

  /// Handles a query that has failed: no answer came within the RPC timeout.
  mutating func handleTimeout(_ now: Now, _ query: QueryTable.Pending) {
    shared.counters.queriesFailed += 1
    effects.append(.notice(.unanswered(query.method, query.endpoint)))
    if let peer = query.peer { handleFailure(now, of: peer, query) }
    route(now, .timedOut, query)
  }

  /// Handles a query that a contact has not answered.
  private mutating func handleFailure(_ now: Now, of peer: NodeID, _ query: QueryTable.Pending) {
    // Another node may have used the contact's ID elsewhere: silence there says nothing about the contact.
    guard shared.table.contact(peer)?.isAt(query.endpoint) == true else { return }
    guard
      let removed = shared.table.failed(now.monotonic, peer, sentAt: query.sent)
    else {
      if let contact = shared.table.contact(peer), contact.failures > 0 {
        shared.reach.fellSilent(now.monotonic, contact.peer, shared.parameters.subnetLimits)
        updateStanding(now.monotonic)
      }
      return
    }
    shared.reach.fellSilent(now.monotonic, removed.peer, shared.parameters.subnetLimits)
    contactRemoved(now, removed, hasFailed: true)
  }

  mutating func contactRemoved(_ now: Now, _ contact: Contact, hasFailed: Bool) {
    let peer = contact.peer
    if hasFailed {
      shared.lostContacts.add(now.monotonic, contact, shared.parameters.subnetLimits)
    } else {
      shared.reach.remove(peer.id)
    }
    updateStanding(now.monotonic)
    // Other nodes may go on naming the contact.
    shared.unresponsivePeers.note(now.monotonic, peer.id)
    effects.append(.notice(.contactLost(peer)))
    routingChanged(now, .removed(peer, hasFailed: hasFailed))
  }

  private mutating func routingChanged(_ now: Now, _ change: RoutingChange) {
    for job in Jobs.Kind.allCases { jobs.tell(job, .routingChanged(change), now, shared, &directives) }
  }

  // MARK: - Answers

  mutating func receive(
    _ now: Now, _ response: Response, _ transaction: TransactionID, from source: Endpoint
  ) {
    guard let number = transaction.number, let query = queries.take(number, from: source) else {
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
    if shared.isNew, isAboutNeighbours(query.method) {
      jobs.settling.handleAnswer(
        of: response.sender, isHandedOver: response.isHandedOver, shared, &directives)
    }
    let isProven = jobs.identityProofs.verify(response, to: query, from: source, shared, &directives)
    if isProven || isExpected(peer, by: query) {
      admit(
        now, peer, roundTrip: roundTrip, for: query, isProven: isProven,
        keepsPlainRecords: response.keepsPlainRecords)
    } else if response.sender != id, shared.table.hasUse(for: peer) {
      // Whoever named the address did not mean this node. A ping of its own shows who is there.
      let charged = shared.table.occupant(of: source) ?? peer.id
      directives.append(.tryPing(peer, charged: charged, owner: .verification))
    }

    if shared.identity.families == .all {
      jobs.verification.handleNamed(now.monotonic, response.nodes, by: source, shared, &directives)
    }

    if let expected = query.peer, expected != response.sender {
      // Another node has the address now. The expected node has not answered.
      handleFailure(now, of: expected, query)
      if let operation = query.owner.lookup { operations.handleVerified(peer, in: operation) }
      return route(now, .replaced, query)
    }
    guard isHonest else {
      shared.counters.forgedRecords += 1
      effects.append(.notice(.forgedRecord(peer)))
      // The node lied about the record, so that the nodes it names are not credible either.
      return route(now, .forged, query)
    }
    if let operation = query.owner.lookup, !jobs.identityProofs.isTrusted(peer, shared) {
      let held = IdentityProofs.HeldAnswer(
        operation: operation, peer: peer, response: response, roundTrip: roundTrip)
      return jobs.identityProofs.hold(held, &directives)
    }
    if case .operation(let id, let step) = query.owner {
      // Most answers are for operations, and need no event.
      return operations.handleAnswer(
        now, response, from: peer, after: roundTrip, of: id, step, shared, &directives)
    }
    let answer = QueryEvent.Answer(response: response, peer: peer, roundTrip: roundTrip, isProven: isProven)
    route(now, .answered(answer), query)
  }

  /// Completes the record in the answer to a `get`, and checks whether it is credible.
  ///
  /// - Returns: false if no honest node can have sent the record.
  private mutating func examine(
    _ now: Now, _ response: inout Response, to query: QueryTable.Pending
  ) -> Bool {
    guard case .get(let target, let kind, let asked) = query.method else { return true }
    guard let held = response.held else {
      // A node of another implementation that has nothing newer names only the seq (BEP 44).
      if kind == .signed, asked != nil, let seq = response.storedSeq {
        response.held = .version(
          RecordVersion(seq: seq, expiry: now.wall.seconds + shared.parameters.foreignTTL))
      }
      return true
    }
    guard case .record(let told) = held else {
      // A version without its record may be made up. For a plain record this does not matter, because anybody
      // can make one.
      if kind != .plain, asked == nil { response.held = nil }
      return true
    }
    // The target of one kind can be the target of another kind, too: the key of a plain record may be the
    // public key and salt of a signed one.
    if let kind, kind != told.id.kind {
      switch (kind, told.id.kind) {
      case (.immutable, _):
        // The hash alone proves the value. Fields that make it look like another kind prove nothing.
        let record = told.asImmutable
        guard record.target == target else { return false }
        response.held = .record(record)
        return true
      case (_, .immutable):
        // A value without valid fields of the wanted kind shows nothing.
        response.held = nil
        return true
      default: return false
      }
    }
    guard told.id.kind != .plain else { return told.target == target }
    let operation = query.owner.readingOperation
    guard let salt = operation.flatMap({ operations.salt(of: $0) }) ?? salt(for: query.owner) else {
      // The operation that asked for the record has ended: nobody will look at it.
      response.held = nil
      return true
    }
    let record = shared.withDefaultExpiry(now, told.salted(with: salt)).clamped(
      toExpiry: now.wall.seconds + shared.parameters.maxTTL)
    response.held = .record(record)
    guard record.target == target else { return false }
    guard let operation else { return record.isAuthentic }
    return operations.checkSignature(of: record, for: operation)
  }

  /// The salt of the record that a query outside of any operation asks for.
  private func salt(for owner: QueryOwner) -> [UInt8]? {
    switch owner {
    case .handOff(.offer(let id)), .handOff(.fetchNewer(let id)):
      shared.records.stored(id)?.record.name.salt
    default: nil
    }
  }

  mutating func receive(
    _ now: Now, _ error: RPCError, _ transaction: TransactionID, from source: Endpoint
  ) {
    guard let number = transaction.number, let query = queries.take(number, from: source) else {
      shared.counters.strayAnswers += 1
      return
    }
    shared.counters.errorsReceived += 1
    // A refusal is an answer, too: the node is alive. An error does not name its sender, so that it adds no
    // node to the table.
    if let peer = query.peer, shared.table.contact(peer) != nil {
      let admission = shared.table.answered(
        now.monotonic, Peer(id: peer, endpoint: source), roundTrip: now.monotonic.since(query.sent))
      if admission == .known {
        shared.reach.remove(peer)
        updateStanding(now.monotonic)
      }
    }
    route(now, .refused(error, from: source), query)
  }

  // MARK: - Admission to the routing table

  /// Returns whether a node that answered a query is the one that was asked. If only an address is known, any node
  /// is.
  private func isExpected(_ peer: Peer, by query: QueryTable.Pending) -> Bool {
    guard let expected = query.peer, expected != peer.id else { return true }
    return shared.table.contact(peer.id)?.isAt(peer.endpoint) == true
  }

  /// Handles an answer to a query of this node: its sender may enter the table.
  private mutating func admit(
    _ now: Now, _ peer: Peer, roundTrip: Duration, for query: QueryTable.Pending, isProven: Bool,
    keepsPlainRecords: Bool
  ) {
    if isProven { jobs.identityProofs.handleProof(of: peer, &directives) }
    guard jobs.identityProofs.isTrusted(peer, shared) else {
      // A lookup asks for the proof itself when its answer is held.
      if query.nonce == nil, query.owner.lookup == nil { askForProof(peer, charged: peer.id) }
      return
    }
    if !isProven, let occupant = shared.table.occupant(of: peer.endpoint), occupant != peer.id,
      shared.table.contact(occupant)?.isProven == true
    {
      // A node that claims the address of a proven contact must prove its own identity first.
      if query.nonce == nil { askForProof(peer, charged: occupant) }
      return
    }
    if let evicted = shared.table.vacate(peer.endpoint, for: peer.id) {
      contactRemoved(now, evicted, hasFailed: false)
    }
    let wasEmpty = shared.table.isEmpty
    let hadFailed = (shared.table.contact(peer.id)?.failures ?? 0) > 0
    let admission = shared.table.answered(
      now.monotonic, peer, roundTrip: roundTrip, isProven: isProven, keepsPlainRecords: keepsPlainRecords)
    switch admission {
    case .known, .added, .waiting:
      // The node is who it says, as far as this node asks for that.
      if !shared.lostContacts.isEmpty { shared.lostContacts.remove(peer.id) }
      shared.reach.remove(peer.id)
    case .ignored, .crowded: break
    }
    updateStanding(now.monotonic)
    switch admission {
    case .ignored:
      // A contact that has moved can prove it.
      if shared.asksForProofs, query.nonce == nil, shared.table.contact(peer.id)?.isProven == true {
        askForProof(peer, charged: peer.id)
      }
    case .crowded: break
    case .known:
      if hadFailed { routingChanged(now, .returned(peer)) }
    case .added:
      effects.append(.notice(.contactAdded(peer)))
      routingChanged(
        now, .added(peer, isFirst: wasEmpty, owner: query.owner, wasAskedForProof: query.nonce != nil))
    case .waiting(let stalest):
      routingChanged(now, .bucketFull(peer, stalest: stalest, owner: query.owner))
    }
  }

  private mutating func askForProof(_ peer: Peer, charged: NodeID) {
    directives.append(.tryPing(peer, charged: charged, owner: .identityProofs))
  }
}

extension RPCError: CustomStringConvertible {
  /// A description for people: the message of the other node, with the code.
  package var description: String { "error \(code): \(message)" }
}
