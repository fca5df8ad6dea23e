import Kademlia
import Signatures

extension RecordKind {
  /// The word for the kind in `kind` of a `get`.
  var word: StaticString {
    switch self {
    case .plain: "plain"
    case .immutable: "immutable"
    case .signed: "signed"
    }
  }
}

/// The one way from fields to a record, for `put` and for the answer to `get`.
extension Fields {
  /// The kind of the record, recognized by the fields that only this kind has.
  private var recordKind: RecordKind {
    if key != nil { return .plain }
    return publicKey != nil || signature != nil ? .signed : .immutable
  }

  /// Reads the record. That the signature of a signed one is right, and in an answer where it belongs, is
  /// for the reader to check: answers leave the salt out (BEP 44).
  ///
  /// - Throws: what is missing or wrong, in the order in which a writer would want to know it.
  func record(in bytes: RawSpan) throws(Reason) -> Record {
    guard let value else { throw .missing(.value) }
    // Whatever the kind is, `v` has one encoding: the target of another node may depend on it.
    guard value.isCanonical else { throw .nonCanonicalValue }
    switch recordKind {
    case .plain: return try plainRecord(value, in: bytes)
    case .immutable:
      return Record(immutable: try encoding(of: value, in: bytes), expiry: try namedExpiry(in: bytes))
    case .signed: return try signedRecord(value, in: bytes)
    }
  }

  private func plainRecord(_ value: BencodeValue, in bytes: RawSpan) throws(Reason) -> Record {
    guard let key else { throw .missing(.key) }
    guard let keyLength = key.stringLength, keyLength > 0 else { throw .invalid(.key) }
    guard let valueLength = value.stringLength else { throw .invalid(.value) }
    let version = try recordVersion(in: bytes)
    if version.isTombstone, valueLength > 0 { throw .invalid(.deletion) }
    guard keyLength + valueLength <= KRPC.maxRecordPayload else { throw .payloadTooBig }
    guard let key = key.string(in: bytes) else { throw .invalid(.key) }
    guard let value = value.string(in: bytes) else { throw .invalid(.value) }
    return Record(plainKey: key, value: value, version: version)
  }

  private func signedRecord(_ value: BencodeValue, in bytes: RawSpan) throws(Reason) -> Record {
    guard let publicKey else { throw .missing(.publicKey) }
    guard let owner = publicKey.string(in: bytes).flatMap({ PublicKey($0) }) else {
      throw .invalid(.publicKey)
    }
    guard let signature else { throw .missing(.signature) }
    guard let proof = signature.string(in: bytes).flatMap({ Signature($0) }) else {
      throw .invalid(.signature)
    }
    var spice: [UInt8] = []
    if let salt {
      guard let length = salt.stringLength else { throw .invalid(.salt) }
      guard length <= SignedText.maxSalt else { throw .saltTooBig }
      spice = salt.string(in: bytes) ?? []
    }
    return Record(
      signed: Record.Authorship(owner: owner, salt: spice, signature: proof),
      value: try encoding(of: value, in: bytes), seq: try natural(seq, .seq, in: bytes),
      expiry: try namedExpiry(in: bytes))
  }

  /// The bytes of a value as they came: a hash or a signature is over them.
  private func encoding(of value: BencodeValue, in bytes: RawSpan) throws(Reason) -> [UInt8] {
    let encoding = value.encoding(in: bytes)
    guard encoding.count <= KRPC.maxRecordPayload else { throw .payloadTooBig }
    return encoding
  }

  /// `exp`, which other implementations do not have.
  private func namedExpiry(in bytes: RawSpan) throws(Reason) -> Int64 {
    try optionalNatural(expiry, .expiry, in: bytes) ?? RecordVersion.noExpiry
  }

  /// Reads `seq`, `exp` and `del`, with or without the rest of a record.
  func recordVersion(in bytes: RawSpan) throws(Reason) -> RecordVersion {
    let seq = try natural(seq, .seq, in: bytes)
    let expiry = try natural(expiry, .expiry, in: bytes)
    if let deletion, !deletion.isOne(in: bytes) { throw .invalid(.deletion) }
    return RecordVersion(seq: seq, expiry: expiry, isTombstone: deletion != nil)
  }
}
