package import NodeTime
package import Signatures

/// The requests of a node's users. Each is checked here and begun as an operation, whose outcome is an
/// effect.
extension Node {
  /// Stores a value at the K closest nodes.
  ///
  /// - Parameters:
  ///   - ttl: the lifetime in seconds; nil for the default.
  ///   - ifSeq: the seq that the current version must have; 0 if there must be none.
  ///   - client: the client that asks. If operations wait for others, the clients take turns.
  /// - Returns: the operation, whose outcome is an effect.
  package mutating func put(
    _ now: Now, key: [UInt8], value: [UInt8], ttl: Int64? = nil, ifSeq: Int64? = nil,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    try checkSize(key.count + value.count)
    return try place(
      now, .plain(key: key, value: value, isTombstone: false), expiry: try expiry(now, ttl), ifSeq: ifSeq,
      for: client)
  }

  /// Stores a value under its own hash.
  ///
  /// - Parameters:
  ///   - value: the value, in canonical bencoding (BEP 44).
  ///   - ttl: as for any put, as is `client`.
  package mutating func put(
    _ now: Now, immutable value: [UInt8], ttl: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count)
    return try place(now, .immutable(value), expiry: try expiry(now, ttl), ifSeq: nil, for: client)
  }

  /// Stores a value that only the owner of a key can change. An empty byte string deletes.
  ///
  /// - Parameters:
  ///   - value: the value, in canonical bencoding (BEP 44).
  ///   - salt: names one of the records of the key, in at most `SignedText.maxSalt` bytes.
  ///   - key: signs the record once its seq is known.
  ///   - ttl: as for any put, as are `ifSeq` and `client`.
  package mutating func put(
    _ now: Now, value: [UInt8], salt: [UInt8], signedBy key: SigningKey, ttl: Int64? = nil,
    ifSeq: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count, salt: salt.count)
    let draft = PutOperation.Draft.toSign(key, salt: salt, value: value)
    return try place(
      now, draft, expiry: draft.isTombstone ? tombstoneExpiry(now) : try expiry(now, ttl), ifSeq: ifSeq,
      for: client)
  }

  /// Stores a record that was signed elsewhere, with the seq in its signature.
  package mutating func put(
    _ now: Now, value: [UInt8], seq: Int64, authorship: Record.Authorship, ttl: Int64? = nil,
    ifSeq: Int64? = nil, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try checkSize(value.count, salt: authorship.salt.count)
    let expiry = value == SignedText.deletion ? tombstoneExpiry(now) : try expiry(now, ttl)
    let record = Record(signed: authorship, value: value, seq: seq, expiry: expiry)
    guard seq >= 0, record.isAuthentic else { throw .badSignature }
    return try place(now, .signed(record), expiry: expiry, ifSeq: ifSeq, for: client)
  }

  private func expiry(_ now: Now, _ ttl: Int64?) throws(OperationRefusal) -> Int64 {
    let ttl = ttl ?? shared.parameters.defaultTTL
    guard (1...parameters.maxTTL).contains(ttl) else {
      throw .ttlOutOfRange(limit: shared.parameters.maxTTL)
    }
    return now.wall.secondsRoundedUp + ttl
  }

  private func tombstoneExpiry(_ now: Now) -> Int64 {
    now.wall.secondsRoundedUp + shared.parameters.maxTTL
  }

  private func checkSize(_ size: Int, salt: Int = 0) throws(OperationRefusal) {
    guard size <= shared.parameters.maxPayload else {
      throw .tooLarge(size: size, limit: shared.parameters.maxPayload)
    }
    guard salt <= SignedText.maxSalt else { throw .saltTooLarge(size: salt, limit: SignedText.maxSalt) }
  }

  /// Deletes a key: puts a tombstone that outlives every older copy.
  package mutating func delete(
    _ now: Now, key: [UInt8], for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    try checkSize(key.count)
    return try place(
      now, .plain(key: key, value: [], isTombstone: true), expiry: tombstoneExpiry(now), ifSeq: nil,
      for: client)
  }

  private mutating func place(
    _ now: Now, _ draft: PutOperation.Draft, expiry: Int64, ifSeq: Int64?, for client: ClientID
  ) throws(OperationRefusal) -> OperationID {
    // Each put leaves changes in the queue of a store that hangs, whatever its own outcome.
    guard shared.commits.count < shared.parameters.pendingCommits else {
      throw .busy(limit: shared.parameters.pendingCommits)
    }
    let id = draft.name.id
    operations.forget(id)
    let put = PutOperation(
      shared.makeLookup(of: id.target), draft, expiry: expiry, ifSeq: ifSeq, draftSeq: now.wall.microseconds)
    let operation = try operations.begin(now, put, for: client, shared, &directives)
    carryOut(now)
    return operation
  }

  /// Reads the newest version of a plain key.
  package mutating func get(
    _ now: Now, key: [UInt8], maxAge: Int64 = 0, isTraced: Bool = false, isGuarded: Bool = false,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    return try get(
      now, .plain(key: key), maxAge: maxAge, isTraced: isTraced, isGuarded: isGuarded, for: client)
  }

  /// Reads the newest version of a record.
  ///
  /// - Parameters:
  ///   - maxAge: the greatest age of a copy that is good enough, in seconds. 0 always asks the network.
  ///   - isTraced: whether the outcome includes the steps of the lookup.
  ///   - isGuarded: whether the get takes disjoint paths, and waits until all of them end.
  package mutating func get(
    _ now: Now, _ name: RecordName, maxAge: Int64 = 0, isTraced: Bool = false, isGuarded: Bool = false,
    for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    if case .signed(_, let salt) = name { try checkSize(0, salt: salt.count) }
    let id = name.id
    let operation: OperationID
    if let copy = operations.copy(now, of: id, maxAge: maxAge) {
      operation = operations.makeRequestID()
      let outcome = GetOutcome.cached(copy.record, age: copy.age)
      directives.append(
        .finish(
          operation, isTraced ? .tracedGet(outcome, LookupOutcome(noneFor: id.target)) : .get(outcome)))
    } else {
      let get = GetOperation(
        shared.makeLookup(of: id.target), name, id, isTraced: isTraced, isGuarded: isGuarded)
      operation = try operations.begin(now, get, for: client, shared, &directives)
    }
    carryOut(now)
    return operation
  }

  /// Finds the nodes that should hold a key, and reports the version that each holds.
  package mutating func lookup(
    _ now: Now, key: [UInt8], for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    guard !key.isEmpty else { throw .emptyKey }
    return try find(now, NodeID(sha1Of: key), .inspect(.plain(key: key)), for: client)
  }

  /// Finds the nodes closest to a target.
  package mutating func lookup(
    _ now: Now, _ target: NodeID, for client: ClientID = .anybody
  ) throws(OperationRefusal) -> OperationID {
    try find(now, target, .user, for: client)
  }

  private mutating func find(
    _ now: Now, _ target: NodeID, _ reason: FindOperation.Reason, for client: ClientID
  ) throws(OperationRefusal) -> OperationID {
    let find = FindOperation(shared.makeLookup(of: target), reason)
    let operation = try operations.begin(now, find, for: client, shared, &directives)
    carryOut(now)
    return operation
  }

  /// Asks the node at an address for its ID.
  package mutating func ping(
    _ now: Now, _ endpoint: Endpoint
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit()
    let id = operations.makeRequestID()
    send(now, .ping, to: endpoint, expecting: nil, for: .ping(id))
    return id
  }

  /// Pings addresses and, if any node answers, finds the others through it.
  package mutating func bootstrap(
    _ now: Now, _ endpoints: [Endpoint]
  ) throws(OperationRefusal) -> OperationID {
    try refuseAboveLimit()
    let id = operations.makeRequestID()
    let asked = Array(endpoints.prefix(shared.parameters.bootstrapAddresses))
    jobs.join.bootstrap(now.monotonic, asked, for: id, shared, &directives)
    carryOut(now)
    return id
  }

  /// Forgets silent nodes: their user knows that they are gone for good. They no longer count among the holders of a
  /// key, nor among the nodes that this node had. One that answers all the same is a contact like any other.
  ///
  /// - Parameter wanted: the node to forget; nil for all that are silent, and for bootstrap names that have not
  ///   answered.
  /// - Returns: the nodes that were forgotten. A node that answers is not.
  package mutating func forget(_ now: Now, _ wanted: NodeID? = nil) -> [Peer] {
    let silent = shared.reach.nodes(now.monotonic).map(\.peer).filter { wanted == nil || $0.id == wanted }
    for peer in silent {
      shared.reach.remove(peer.id)
      shared.lostContacts.remove(peer.id)
      jobs.partitionProbe.forget(peer.id)
      if let contact = shared.table.remove(peer.id) { contactRemoved(now, contact, hasFailed: false) }
    }
    if wanted == nil { jobs.join.forget() }
    carryOut(now)
    return silent
  }

  /// Drops the waiting reads of a client that has left. They end without an outcome.
  ///
  /// - Returns: the dropped operations.
  package mutating func clientLeft(_ client: ClientID) -> [OperationID] {
    operations.dropReads(of: client)
  }

  private func refuseAboveLimit() throws(OperationRefusal) {
    guard queries.count < shared.parameters.inflightQueries else {
      throw .busy(limit: shared.parameters.inflightQueries)
    }
  }
}
