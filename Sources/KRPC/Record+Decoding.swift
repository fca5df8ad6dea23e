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

/// The ways from fields to a record, for `put` and for the answer to `get`.
extension Fields {
  /// The kind of the record, recognized by the fields that only this kind has.
  private var recordKind: RecordKind {
    if key != nil { return .plain }
    return publicKey != nil || signature != nil ? .signed : .immutable
  }

  /// Reads the record of a `put`. That the signature of a signed one is right is for the reader to check.
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
    case .signed:
      return try signedRecord(value, salt: namedSalt(in: bytes), expiry: namedExpiry(in: bytes), in: bytes)
    }
  }

  /// Reads the record of an answer, whose odd fields count as missing. A value without the fields of any other
  /// kind is an immutable record: it proves itself, or the core drops it.
  func shownRecord(_ value: BencodeValue, in bytes: RawSpan) -> Record? {
    guard value.isCanonical else { return nil }
    if key != nil, let record = try? plainRecord(value, in: bytes) { return record }
    // No proof covers an expiry. Answers leave the salt out (BEP 44).
    let expiry = expiry?.natural(in: bytes) ?? RecordVersion.noExpiry
    if publicKey != nil, let record = try? signedRecord(value, salt: [], expiry: expiry, in: bytes) {
      return record
    }
    return (try? encoding(of: value, in: bytes)).map { Record(immutable: $0, expiry: expiry) }
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

  private func signedRecord(
    _ value: BencodeValue, salt: @autoclosure () throws(Reason) -> [UInt8],
    expiry: @autoclosure () throws(Reason) -> Int64, in bytes: RawSpan
  ) throws(Reason) -> Record {
    guard let publicKey else { throw .missing(.publicKey) }
    guard let owner = publicKey.string(in: bytes).flatMap({ PublicKey($0) }) else {
      throw .invalid(.publicKey)
    }
    guard let signature else { throw .missing(.signature) }
    guard let proof = signature.string(in: bytes).flatMap({ Signature($0) }) else {
      throw .invalid(.signature)
    }
    return Record(
      signed: Record.Authorship(owner: owner, salt: try salt(), signature: proof),
      value: try encoding(of: value, in: bytes), seq: try natural(seq, .seq, in: bytes), expiry: try expiry())
  }

  /// `salt`; empty if there is none.
  private func namedSalt(in bytes: RawSpan) throws(Reason) -> [UInt8] {
    guard let salt else { return [] }
    guard let length = salt.stringLength else { throw .invalid(.salt) }
    guard length <= SignedText.maxSalt else { throw .saltTooBig }
    return salt.string(in: bytes) ?? []
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
