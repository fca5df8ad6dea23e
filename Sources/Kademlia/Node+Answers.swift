import NodeTime

/// Answers to the queries of other nodes.
extension Node {
  mutating func answer(
    _ now: Now, _ query: Query, _ transaction: TransactionID, from source: Endpoint
  ) {
    // This node's own datagram comes back if a bootstrap list names this node. It is answered, so that the
    // node learns this, but a node is no contact of its own.
    if query.sender != id, !query.isReadOnly {
      verify(now, Peer(id: query.sender, endpoint: source))
    }
    // A sender that shows a valid token does receive what is sent to its address.
    let isTokenGood =
      if case .put(_, let token, _) = query.method {
        tokens.accepts(token, now.monotonic, from: source.address)
      } else {
        false
      }
    if isTokenGood { floods.prove(now.monotonic, source.address) }
    guard permitsAnswer(now.monotonic, to: source) else { return }
    switch query.method {
    case .ping:
      respond(
        to: source, transaction,
        Response(
          sender: id,
          credentials: jobs.identityProofs.tryProve(now.monotonic, for: query, from: source, shared)))
    case .findNode(let target):
      if target == query.sender { announced(now, query, from: source) }
      let nodes = nodes(near: target, for: query, from: source)
      respond(to: source, transaction, Response(sender: id, nodes: nodes))
    case .get(let target, let kind, let seq):
      let held = shared.held(now, target, kind, unlessNewerThan: seq)
      if let kind, let held, held.version.seq == seq {
        noteLookedAfter(now, RecordID(kind, target), by: query, from: source)
      }
      respond(
        to: source, transaction,
        Response(
          sender: id, nodes: nodes(near: target, for: query, from: source),
          token: tokens.issue(now.monotonic, to: source.address), keepsPlainRecords: true,
          held: held))
    case .put(let sent, _, let cas):
      let record = shared.withDefaultExpiry(now, sent)
      let error =
        isTokenGood
        ? rateLimitError(now, record, from: source) ?? shared.validationError(now, record, cas)
          ?? overloadError(now, record, from: source) ?? shared.signatureError(record)
        : RPCError(RPCError.protocolError, "bad token")
      if let error {
        shared.counters.recordsRefused += 1
        refuse(source, transaction, error)
      } else {
        // A node that stores the record here stores it at the other holders, too.
        noteLookedAfter(now, record.id, by: query, from: source)
        commit(now, .keep(record), for: .answer(transaction, source, seq: record.version.seq))
      }
    }
  }

  /// Handles a contact that looks its own ID up. It has just started, or has met a part of the network that
  /// it did not know. It may have missed what was stored there meanwhile.
  private mutating func announced(_ now: Now, _ query: Query, from source: Endpoint) {
    guard shared.table.contact(query.sender)?.isAt(source) == true else { return }
    jobs.handOff.handleAnnouncement(now.monotonic, of: Peer(id: query.sender, endpoint: source), shared)
  }

  /// Returns an error if the source has stored too much lately; nil if not. The rate is checked first,
  /// because checking a signature takes long.
  private mutating func rateLimitError(_ now: Now, _ record: Record, from source: Endpoint) -> RPCError? {
    // Checking a signature takes as long as several writes.
    let cost = record.id.kind == .signed ? 4 : 1
    guard !floods.permitsStore(now.monotonic, from: source.address, cost) else { return nil }
    shared.counters.storesOverLimit += 1
    return RPCError(RPCError.busy, "too many records from this address")
  }

  /// Returns an error if this node is too busy or too full for a valid record; nil if it is not.
  private mutating func overloadError(_ now: Now, _ record: Record, from source: Endpoint) -> RPCError? {
    guard shared.commits.count < shared.parameters.pendingCommits else {
      return RPCError(RPCError.busy, "the store is busy")
    }
    guard shared.records.stored(record.id) == nil, !floods.isExempt(source.address) else { return nil }
    let fullness = shared.records.usage.fullness
    guard quota.permits(now.monotonic, from: source.address, fullness: fullness) else {
      return RPCError(RPCError.busy, "too many new keys from this address for a store that is nearly full")
    }
    return nil
  }

  /// Notes that another node has asked for a record with the seq held here, or has stored it. This is how a
  /// holder or the publisher looks after the record, and one of them is enough.
  private mutating func noteLookedAfter(
    _ now: Now, _ id: RecordID, by query: Query, from source: Endpoint
  ) {
    // A stranger's claim must not keep a record from being looked after.
    guard shared.table.contact(query.sender)?.isAt(source) == true else { return }
    jobs.replication.noteLookedAfter(now.monotonic, id)
  }

  /// Has the sender of a query pinged if it may be of use: the ping shows whether it can be queried itself.
  private mutating func verify(_ now: Now, _ peer: Peer) {
    if let contact = shared.table.contact(peer.id) {
      jobs.liveness.handleQuery(of: contact, &directives)
    } else {
      let isProofWanted = floods.wantsProof(now.monotonic, of: peer.endpoint.address)
      jobs.verification.handleQuery(of: peer, isProofWanted: isProofWanted, shared, &directives)
    }
  }

  /// The K closest contacts known to be alive, each under one address that the asker can use.
  private func nodes(near target: NodeID, for query: Query, from source: Endpoint) -> [Peer] {
    let families =
      query.want.isEmpty ? AddressFamilies(source.address.family) : query.want
    return shared.table.peers(closestTo: target, count: shared.parameters.k, for: query.sender, in: families)
  }

  mutating func respond(to source: Endpoint, _ transaction: TransactionID, _ response: Response) {
    effects.append(.send(Message(transaction: transaction, body: .response(response)), to: source))
  }

  mutating func refuse(_ source: Endpoint, _ transaction: TransactionID, _ error: RPCError) {
    effects.append(.send(Message(transaction: transaction, body: .error(error)), to: source))
  }
}
