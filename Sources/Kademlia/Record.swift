/// What a record is bound to its target by, without its payload.
///
/// The immutable and signed kinds of BEP 44 will be cases of their own here and in
/// `Record.Binding`; everything between reading a datagram and committing a record asks the binding
/// and not the kind.
package enum RecordKind: UInt8, Hashable, Sendable, CaseIterable {
  /// Anyone may write; the last writer wins. The target is the SHA-1 of the key.
  case plain
}

/// What the stores are keyed by: the targets of two kinds can collide.
package struct RecordID: Hashable, Comparable, Sendable {
  /// What binds it to its target.
  package let kind: RecordKind
  /// The point that its holders are closest to.
  package let target: NodeID

  package init(_ kind: RecordKind, _ target: NodeID) {
    self.kind = kind
    self.target = target
  }

  /// The least of all.
  package static let first = RecordID(.plain, NodeID(high: 0, middle: 0, low: 0))

  /// The least that is greater than this one; nil after the greatest of all.
  package var next: RecordID? {
    guard let last = RecordKind.allCases.last else { return nil }
    if kind.rawValue < last.rawValue, let next = RecordKind(rawValue: kind.rawValue + 1) {
      return RecordID(next, target)
    }
    return target.next.map { RecordID(.plain, $0) }
  }

  package static func < (left: RecordID, right: RecordID) -> Bool {
    left.target != right.target
      ? left.target < right.target : left.kind.rawValue < right.kind.rawValue
  }
}

/// One version of a key's value, as it is stored, replicated and read.
package struct Record: Hashable, Sendable {
  /// What ties a record to its target, and shows that it belongs there.
  package enum Binding: Hashable, Sendable {
    case plain(key: [UInt8])
  }

  /// The most bytes of key and value together that go in a datagram, whatever else is in it.
  package static let maxDatagramPayload = 1000

  /// What a store keeps it under.
  package let id: RecordID
  /// What ties it to its target.
  package let binding: Binding
  /// The value; empty in a tombstone. An empty value that is no tombstone is a value like any other.
  package let value: [UInt8]
  /// Which version it is, and how long it lives.
  package let version: RecordVersion

  package init(plainKey key: [UInt8], value: [UInt8], version: RecordVersion) {
    self.id = RecordID(.plain, NodeID(sha1Of: key))
    self.binding = .plain(key: key)
    self.value = value
    self.version = version
  }

  /// The tombstone of the same key.
  func deleted(by version: RecordVersion) -> Record {
    switch binding {
    case .plain(let key): Record(plainKey: key, value: [], version: version)
    }
  }

  /// A record whose binding is known to lead to its ID, and is not checked: for a store, which trusts
  /// what it wrote itself and would have to hash the key at every read.
  package init(trusted binding: Binding, id: RecordID, value: [UInt8], version: RecordVersion) {
    self.id = id
    self.binding = binding
    self.value = value
    self.version = version
  }

  /// The point that its holders are closest to.
  package var target: NodeID { id.target }

  /// The key of a plain record.
  package var key: [UInt8] {
    switch binding {
    case .plain(let key): key
    }
  }

  /// Whether this is a value, and not the mark of a deletion.
  package var isValue: Bool { !version.isTombstone }

  /// What the limit on a datagram is counted in: the bytes of the key and of the value.
  package var payloadSize: Int { key.count + value.count }

  /// Whether this record takes the place of another with the same ID.
  ///
  /// The greater seq does; at the same seq a tombstone over a value; then the greater SHA-1 of the
  /// value, so that every holder decides alike whatever order the writes reached it in.
  package func supersedes(_ other: Record) -> Bool {
    if version.seq != other.version.seq { return version.seq > other.version.seq }
    if version.isTombstone != other.version.isTombstone { return version.isTombstone }
    if value == other.value { return false }
    return NodeID(sha1Of: value) > NodeID(sha1Of: other.value)
  }

  /// Whether another record is the same version of the same thing; its expiry may differ.
  package func isSameVersion(as other: Record) -> Bool {
    id == other.id && version.seq == other.version.seq
      && version.isTombstone == other.version.isTombstone && value == other.value
  }
}

/// What orders the versions of a record, and how long one lives.
package struct RecordVersion: Hashable, Sendable {
  /// Plain records: microseconds since the epoch at the writer, 0 or more.
  package var seq: Int64
  /// Seconds since the epoch, set by the publisher; replication never moves it.
  package var expiry: Int64
  /// A deletion: a newer version like any other, with an empty value.
  package var isTombstone: Bool

  package init(seq: Int64, expiry: Int64, isTombstone: Bool = false) {
    self.seq = seq
    self.expiry = expiry
    self.isTombstone = isTombstone
  }

  /// Whether its time is over: at the second of its expiry it is.
  package func isExpired(at now: WallTime) -> Bool { expiry <= now.seconds }
}
