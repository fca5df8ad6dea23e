import NodeTime

/// Answering the queries of others.
extension Node {
  mutating func answer(
    _ now: Now, _ query: Query, _ transaction: TransactionID, from source: Endpoint
  ) {
    // Our own datagram comes back where a bootstrap list names us. It is answered, for so we learn
    // that the list does, but a node is no contact of its own.
    if query.sender != id, !query.isReadOnly {
      verify(now, Peer(id: query.sender, endpoint: source))
    }
    // Whoever shows a good token gets what is sent to its address.
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
      let held = held(now, target, kind, unlessNewerThan: seq)
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
      let record = named(now, sent)
      let refusal =
        isTokenGood
        ? rateLimitError(now, record, from: source) ?? refusal(now, record, cas)
          ?? overloadError(now, record, from: source) ?? signatureError(record)
        : RPCError(RPCError.protocolError, "bad token")
      if let refusal {
        shared.counters.recordsRefused += 1
        refuse(source, transaction, refusal)
      } else {
        // Whoever stores it here stores it at the others, too.
        noteLookedAfter(now, record.id, by: query, from: source)
        commit(.keep(record), for: .answer(transaction, source, seq: record.version.seq))
      }
    }
  }

  /// A node that looks up its own ID has just started, or has met a part of the network that it did not
  /// know: what was stored meanwhile it may have missed.
  private mutating func announced(_ now: Now, _ query: Query, from source: Endpoint) {
    guard shared.table.contact(query.sender)?.isAt(source) == true else { return }
    jobs.handOff.handleAnnouncement(now.monotonic, of: Peer(id: query.sender, endpoint: source), shared)
  }

  /// Why no record is taken now from a source, whatever it is; asked first, for a signature takes long to check.
  private mutating func rateLimitError(_ now: Now, _ record: Record, from source: Endpoint) -> RPCError? {
    // To check a signature takes as long as several writes.
    let cost = record.id.kind == .signed ? 4 : 1
    guard !floods.permitsStore(now.monotonic, from: source.address, cost) else { return nil }
    shared.counters.storesOverLimit += 1
    return RPCError(RPCError.busy, "too many records from this address")
  }

  /// Why a record is not taken now, right as it is; nil if it is.
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

  /// Another node has asked for a record with the seq that is held here, or has stored it: that is how a holder
  /// or the publisher looks after it, and one of us is enough.
  private mutating func noteLookedAfter(
    _ now: Now, _ id: RecordID, by query: Query, from source: Endpoint
  ) {
    // A stranger's word would keep a record from being looked after.
    guard shared.table.contact(query.sender)?.isAt(source) == true else { return }
    jobs.replication.noteLookedAfter(now.monotonic, id)
  }

  /// A node that queries us may be of use; whether it can be queried itself is to be seen.
  private mutating func verify(_ now: Now, _ peer: Peer) {
    if let contact = shared.table.contact(peer.id) {
      jobs.liveness.handleQuery(of: contact, &directives)
    } else {
      let isProofWanted = floods.wantsProof(now.monotonic, of: peer.endpoint.address)
      jobs.verification.handleQuery(of: peer, isProofWanted: isProofWanted, shared, &directives)
    }
  }

  /// The K closest contacts that we know to be alive, each under one address that the asker can
  /// use.
  private func nodes(near target: NodeID, for query: Query, from source: Endpoint) -> [Peer] {
    let families =
      query.want.isEmpty ? AddressFamilies(source.address.family) : query.want
    return shared.table.peers(closestTo: target, count: shared.parameters.k, for: query.sender, in: families)
  }

  /// What we hold under a target: without a kind signed, then immutable, then plain shared.records.
  func held(
    _ now: Now, _ target: NodeID, _ kind: RecordKind?, unlessNewerThan seq: Int64?
  ) -> HeldRecord? {
    if let kind { return held(now, RecordID(kind, target), unlessNewerThan: seq) }
    for kind in RecordKind.byStrength {
      if let held = held(now, RecordID(kind, target), unlessNewerThan: seq) { return held }
    }
    return nil
  }

  private func held(_ now: Now, _ id: RecordID, unlessNewerThan seq: Int64?) -> HeldRecord? {
    guard let stored = shared.records.stored(id) else { return nil }
    let version = stored.record.version
    guard let record = stored.live(at: now.wall) else {
      // It hides older versions from readers, and a writer must get above it.
      return stored.hidesUntil > now.wall.seconds ? .version(version) : nil
    }
    if let seq, version.seq <= seq { return .version(version) }
    return .record(record)
  }

  /// Why a record is not stored; nil if it is.
  func refusal(_ now: Now, _ record: Record, _ cas: Int64?) -> RPCError? {
    guard record.payloadSize <= shared.parameters.maxPayload else {
      return RPCError(
        RPCError.tooBig, "key and value are \(record.payloadSize) bytes, over \(shared.parameters.maxPayload)"
      )
    }
    let version = record.version
    guard version.seq >= 0 else {
      return RPCError(RPCError.protocolError, "seq is negative")
    }
    guard record.id.kind != .plain || !version.isTombstone || record.value.isEmpty else {
      return RPCError(RPCError.protocolError, "a deletion has no value")
    }
    guard
      record.id.kind != .plain
        || version.seq <= now.wall.microseconds + shared.parameters.clockSkew * 1_000_000
    else {
      return RPCError(RPCError.protocolError, "seq is ahead of the clock here")
    }
    guard !version.isExpired(at: now.wall) else {
      return RPCError(RPCError.protocolError, "expired")
    }
    guard version.expiry <= now.wall.seconds + shared.parameters.maxTTL + shared.parameters.clockSkew else {
      return RPCError(RPCError.protocolError, "expiry is over \(shared.parameters.maxTTL) s ahead")
    }
    let held = shared.records.stored(record.id)
    // A version that comes twice is confirmed twice: the first answer may have been lost.
    if let held, record.isSameVersion(as: held.record), record.binding == held.record.binding { return nil }
    if let held, let cas, let current = held.live(at: now.wall)?.version,
      // An owner who names a version means that one (BEP 44); a plain one may be an older than is held.
      record.id.kind == .signed ? current.seq != cas : current.seq > cas
    {
      return RPCError(RPCError.casMismatch, "seq is \(current.seq), not \(cas)")
    }
    if case .stale(let newer) = StoredRecord.deciding(held: held, arriving: record) {
      return RPCError(RPCError.seqTooOld, "seq \(newer.seq) is held")
    }
    return nil
  }

  /// Why a record that nothing else speaks against is not stored: nobody has signed it. To be asked last, for
  /// nothing else takes as long.
  func signatureError(_ record: Record) -> RPCError? {
    // What is held was checked when it came.
    if let held = shared.records.stored(record.id)?.record, record.binding == held.binding,
      record.isSameVersion(as: held)
    {
      return nil
    }
    return record.isAuthentic ? nil : RPCError(RPCError.badSignature, "the signature is not right")
  }

  /// A record with an expiry: one that came without, as from another implementation, lives for two hours after
  /// its last put (BEP 44, Expiration).
  func named(_ now: Now, _ record: Record) -> Record {
    guard record.version.expiry == RecordVersion.unnamedExpiry, record.id.kind != .plain else {
      return record
    }
    return record.expiring(at: now.wall.seconds + shared.parameters.unnamedTTL)
  }

  mutating func respond(to source: Endpoint, _ transaction: TransactionID, _ response: Response) {
    effects.append(.send(Message(transaction: transaction, body: .response(response)), to: source))
  }

  mutating func refuse(_ source: Endpoint, _ transaction: TransactionID, _ error: RPCError) {
    effects.append(.send(Message(transaction: transaction, body: .error(error)), to: source))
  }
}
