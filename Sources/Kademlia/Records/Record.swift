package import NodeTime
package import Signatures

/// The kind of binding between a record and its target, without the binding's payload.
///
/// Everything between reading a datagram and committing a record asks the binding and not the kind.
package enum RecordKind: UInt8, Hashable, Sendable, CaseIterable {
  /// Anyone may write; the last writer wins. The target is the SHA-1 of the key.
  case plain
  /// The content addresses itself: the target is the SHA-1 of the bencoded value (BEP 44).
  case immutable
  /// Only the owner of a key may write. The target is the SHA-1 of the public key and the salt (BEP 44).
  case signed

  /// The order of precedence of several records under one target that answer a `get` without a kind: the
  /// hardest to make comes first.
  static let byStrength: [RecordKind] = [.signed, .immutable, .plain]
}

/// The name by which a reader asks for a record.
package enum RecordName: Hashable, Sendable {
  case plain(key: [UInt8])
  case immutable(NodeID)
  case signed(PublicKey, salt: [UInt8])

  /// The ID under which its record is kept.
  package var id: RecordID {
    switch self {
    case .plain(let key): RecordID(.plain, NodeID(sha1Of: key))
    case .immutable(let target): RecordID(.immutable, target)
    case .signed(let owner, let salt): RecordID(.signed, NodeID(sha1Of: owner.bytes + salt))
    }
  }

  /// The kind of binding between its record and the target.
  var kind: RecordKind {
    switch self {
    case .plain: .plain
    case .immutable: .immutable
    case .signed: .signed
    }
  }

  /// The salt of a signed record, which answers leave out (BEP 44).
  var salt: [UInt8] {
    if case .signed(_, let salt) = self { salt } else { [] }
  }
}

/// The key of a record in the stores, with its kind because the targets of two kinds can collide.
package struct RecordID: Hashable, Comparable, Sendable {
  /// The kind of binding between the record and its target.
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

/// A version of a key's value, as it is stored, replicated and read.
package struct Record: Hashable, Sendable {
  /// The data that ties a record to its target and shows that it belongs there.
  package enum Binding: Hashable, Sendable {
    case plain(key: [UInt8])
    case immutable
    // Behind a reference: nothing that a plain record goes through becomes larger for it.
    indirect case signed(Authorship)
  }

  /// The owner, the salt and the signature of a signed record (BEP 44).
  package struct Authorship: Hashable, Sendable {
    /// `k`.
    package let owner: PublicKey
    /// `salt`, at most `SignedText.maxSalt` bytes; empty: none.
    package let salt: [UInt8]
    /// `sig`.
    package let signature: Signature

    package init(owner: PublicKey, salt: [UInt8], signature: Signature) {
      self.owner = owner
      self.salt = salt
      self.signature = signature
    }
  }

  /// The most bytes of key and value together, or of a bencoded value (BEP 44), that go in a datagram,
  /// whatever else is in it.
  package static let maxDatagramPayload = 1000

  /// The ID under which a store keeps the record.
  package let id: RecordID
  /// The data that ties the record to its target.
  package let binding: Binding
  /// The value; that of an immutable or signed record bencoded, of whatever type it is, byte for byte. Empty
  /// in a tombstone of a plain record; an empty value that is no tombstone is a value like any other.
  package let value: [UInt8]
  /// The version of the record and its expiry.
  package let version: RecordVersion

  package init(plainKey key: [UInt8], value: [UInt8], version: RecordVersion) {
    self.init(
      trusted: .plain(key: key), id: RecordName.plain(key: key).id, value: value, version: version)
  }

  /// An immutable record. There is one version of it, 0.
  ///
  /// - Parameter value: bencoded.
  package init(immutable value: [UInt8], expiry: Int64) {
    self.init(
      trusted: .immutable, id: RecordID(.immutable, NodeID(sha1Of: value)), value: value,
      version: RecordVersion(seq: 0, expiry: expiry))
  }

  /// A signed record, whose signature is not checked here (`isAuthentic`). An empty byte string for a value
  /// is its deletion.
  ///
  /// - Parameter value: bencoded.
  package init(signed authorship: Authorship, value: [UInt8], seq: Int64, expiry: Int64) {
    self.init(
      trusted: .signed(authorship), id: RecordName.signed(authorship.owner, salt: authorship.salt).id,
      value: value,
      version: RecordVersion(seq: seq, expiry: expiry, isTombstone: value == SignedText.deletion))
  }

  /// A record whose binding is known to lead to its ID, and is not checked: for a store, which trusts
  /// what it wrote itself and would have to hash the key at every read.
  package init(trusted binding: Binding, id: RecordID, value: [UInt8], version: RecordVersion) {
    self.id = id
    self.binding = binding
    self.value = value
    self.version = version
  }

  /// The same with another time of expiry, which no signature covers.
  func expiring(at expiry: Int64) -> Record {
    var version = version
    version.expiry = expiry
    return Record(trusted: binding, id: id, value: value, version: version)
  }

  /// The same, expiring no later than a time.
  func clamped(toExpiry latest: Int64) -> Record {
    version.expiry > latest ? expiring(at: latest) : self
  }

  /// A signed record with the salt that the answer it came in has left out, and so at its target; any other
  /// as it is.
  func salted(with salt: [UInt8]) -> Record {
    guard case .signed(let authorship) = binding, authorship.salt != salt else { return self }
    return Record(
      signed: Authorship(owner: authorship.owner, salt: salt, signature: authorship.signature),
      value: value, seq: version.seq, expiry: version.expiry)
  }

  /// An immutable record of the same bencoded value.
  var asImmutable: Record {
    let isBencoded = if case .plain = binding { false } else { true }
    return Record(immutable: isBencoded ? value : SignedText.bencoded(value), expiry: version.expiry)
  }

  /// True if the owner of its key has signed the record, or if it is of another kind: the IDs of other kinds
  /// show that their records are authentic.
  package var isAuthentic: Bool {
    guard case .signed(let authorship) = binding else { return true }
    return authorship.owner.hasSigned(
      SignedText.of(salt: authorship.salt, seq: version.seq, value: value), with: authorship.signature)
  }

  /// The point that its holders are closest to.
  package var target: NodeID { id.target }

  /// The key under which lists show the record: the key of a plain record, the salt of a signed one, the
  /// target of an immutable one in hexadecimal digits.
  package var key: [UInt8] {
    switch binding {
    case .plain(let key): key
    case .immutable: Array("\(target)".utf8)
    case .signed(let authorship): authorship.salt
    }
  }

  /// Its name.
  package var name: RecordName {
    switch binding {
    case .plain(let key): .plain(key: key)
    case .immutable: .immutable(target)
    case .signed(let authorship): .signed(authorship.owner, salt: authorship.salt)
    }
  }

  /// True if the record is a value and not a tombstone.
  package var isValue: Bool { !version.isTombstone }

  /// The number of bytes that count against the limit on a datagram: those of a plain record's key and value,
  /// or of the bencoded value of any other record.
  package var payloadSize: Int {
    if case .plain(let key) = binding { key.count + value.count } else { value.count }
  }

  /// The number of bytes that count against limits on memory: those of the value and of the key, or of the
  /// public key, the signature and the salt.
  package var storedSize: Int {
    switch binding {
    case .plain, .immutable: payloadSize
    case .signed(let authorship):
      value.count + PublicKey.byteCount + Signature.byteCount + authorship.salt.count
    }
  }

  /// Returns whether this record takes the place of another with the same ID.
  ///
  /// The greater seq does; at the same seq a tombstone over a value; then the greater SHA-1 of the
  /// value, so that every holder decides alike whatever order the writes reached it in.
  package func supersedes(_ other: Record) -> Bool {
    if version.seq != other.version.seq { return version.seq > other.version.seq }
    if version.isTombstone != other.version.isTombstone { return version.isTombstone }
    if value == other.value { return false }
    return NodeID(sha1Of: value) > NodeID(sha1Of: other.value)
  }

  /// Returns whether another record is the same version of the same thing; its expiry may differ.
  package func isSameVersion(as other: Record) -> Bool {
    id == other.id && version.seq == other.version.seq
      && version.isTombstone == other.version.isTombstone && value == other.value
  }
}

/// The order of a version among those of its record, and its expiry.
package struct RecordVersion: Hashable, Sendable {
  /// The expiry of a record that came without one, as those of other implementations do.
  package static let noExpiry: Int64 = 0

  /// 0 or more. Plain records: microseconds since the epoch at the writer. Immutable ones: 0.
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

  /// Returns whether the version has expired. At the second of its expiry it has.
  package func isExpired(at now: WallTime) -> Bool { expiry <= now.seconds }
}
