import NodeTime

/// The rules by which a node gives its records out, and takes those of others.
extension Shared {
  /// Returns the record or version held under a target. Without a kind, a signed record comes before an
  /// immutable one, and an immutable one before a plain one.
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
    guard let stored = records.stored(id) else { return nil }
    let version = stored.record.version
    guard let record = stored.live(at: now.wall) else {
      // It hides older versions from readers, and a writer must get above it.
      return stored.hidesUntil > now.wall.seconds ? .version(version) : nil
    }
    if let seq, version.seq <= seq { return .version(version) }
    return .record(record)
  }

  /// Why a record is not stored; nil if it is.
  func validationError(_ now: Now, _ record: Record, _ cas: Int64?) -> RPCError? {
    guard record.payloadSize <= parameters.maxPayload else {
      return RPCError(
        RPCError.tooBig, "key and value are \(record.payloadSize) bytes, over \(parameters.maxPayload)"
      )
    }
    let version = record.version
    guard version.seq >= 0 else {
      return RPCError(RPCError.protocolError, "seq is negative")
    }
    guard record.id.kind != .plain || !version.isTombstone || record.value.isEmpty else {
      return RPCError(RPCError.protocolError, "a deletion has no value")
    }
    let held = records.stored(record.id)
    guard record.id.kind != .plain || isInTime(version, over: held?.record.version, now) else {
      return RPCError(RPCError.protocolError, "seq is ahead of the clock here")
    }
    guard !version.isExpired(at: now.wall) else {
      return RPCError(RPCError.protocolError, "expired")
    }
    guard version.expiry <= now.wall.seconds + parameters.maxTTL + parameters.clockSkew else {
      return RPCError(RPCError.protocolError, "expiry is over \(parameters.maxTTL) s ahead")
    }
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

  /// Returns whether a plain version is not too far ahead of this node's clock.
  ///
  /// A holder takes a minute more than the clocks of writers may be ahead. It takes a version further ahead only just
  /// above the one that it holds: a key that was written while the clocks were ahead can be written and deleted once
  /// they are right.
  private func isInTime(_ version: RecordVersion, over held: RecordVersion?, _ now: Now) -> Bool {
    if version.seq <= now.wall.microseconds + (parameters.clockSkew + 60) * 1_000_000 { return true }
    return held.map { version.seq - $0.seq <= 1_000_000 } ?? false
  }

  /// Returns an error if an otherwise acceptable record is not signed by its owner; nil if it may be stored.
  /// Call this last, because nothing else takes as long.
  func signatureError(_ record: Record) -> RPCError? {
    // What is held was checked when it came.
    if let held = records.stored(record.id)?.record, record.binding == held.binding,
      record.isSameVersion(as: held)
    {
      return nil
    }
    return record.isAuthentic ? nil : RPCError(RPCError.badSignature, "the signature is not right")
  }

  /// A record with an expiry: one that came without, as from another implementation, lives for two hours after
  /// its last put (BEP 44, Expiration).
  func withDefaultExpiry(_ now: Now, _ record: Record) -> Record {
    guard record.version.expiry == RecordVersion.noExpiry, record.id.kind != .plain else {
      return record
    }
    return record.expiring(at: now.wall.seconds + parameters.foreignTTL)
  }
}
