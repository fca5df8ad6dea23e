package import NodeTime

/// A record as a store keeps it.
package struct StoredRecord: Hashable, Sendable {
  /// The newest version.
  package let record: Record
  /// Until then (seconds since the epoch) the record hides older versions, even where it has
  /// expired itself: the latest expiry among it and those it replaced.
  package let hidesUntil: Int64

  package init(_ record: Record, hidesUntil: Int64) {
    self.record = record
    self.hidesUntil = hidesUntil
  }

  /// The record, unless it has expired.
  package func live(at now: WallTime) -> Record? {
    record.version.isExpired(at: now) ? nil : record
  }

  /// The remains of the record when its version has expired: a tombstone of that version while it hides older
  /// ones, which live on elsewhere and would come back once nobody knew of it any more. Nil if the record
  /// hides nothing, or is not plain.
  package func remains(at now: WallTime) -> StoredRecord? {
    guard hidesUntil > now.seconds, case .plain(let key) = record.binding else { return nil }
    let version = RecordVersion(seq: record.version.seq, expiry: hidesUntil, isTombstone: true)
    return StoredRecord(Record(plainKey: key, value: [], version: version), hidesUntil: hidesUntil)
  }

  /// The decision of a store on a version that reaches it.
  package enum Arrival: Hashable, Sendable {
    /// The version is already held, and says nothing new.
    case unchanged
    /// The version is kept, as this record.
    case kept(StoredRecord)
    /// A newer version is held.
    case stale(than: RecordVersion)
  }

  /// Decides between the version held, if any, and one that arrives. The same version keeps the
  /// greater expiry. So does a newer one of a signed record, whose expiry nobody signs: nobody but its owner
  /// can make a tombstone that would hide the older one.
  package static func deciding(held: StoredRecord?, arriving record: Record) -> Arrival {
    guard let held else {
      return .kept(StoredRecord(record, hidesUntil: record.version.expiry))
    }
    let hidesUntil = max(held.hidesUntil, record.version.expiry)
    if record.isSameVersion(as: held.record) {
      return record.version.expiry > held.record.version.expiry
        ? .kept(StoredRecord(record, hidesUntil: hidesUntil)) : .unchanged
    }
    guard record.supersedes(held.record) else { return .stale(than: held.record.version) }
    let kept = record.id.kind == .plain ? record : record.expiring(at: hidesUntil)
    return .kept(StoredRecord(kept, hidesUntil: hidesUntil))
  }
}
