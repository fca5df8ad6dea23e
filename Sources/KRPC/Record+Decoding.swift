import Kademlia

/// The one way from fields to a record, for `put` and for the answer to `get`.
///
/// A further kind is a case in `recordKind`, told by the fields that it alone has (`k` and `sig` for
/// the signed one of BEP 44, a bare `v` for the immutable one), and a case in `record(in:)`.
extension Fields {
  /// The kind that the fields are of; nil if it is not kept here.
  private var recordKind: RecordKind? {
    key != nil ? .plain : nil
  }

  /// Reads the record.
  ///
  /// - Throws: what is missing or wrong, in the order in which a writer would want to know it.
  func record(in bytes: RawSpan) throws(Reason) -> Record {
    guard let value else { throw .missing(.value) }
    // Whatever the kind is, `v` has one encoding: the target of another node may depend on it.
    guard value.isCanonical else { throw .nonCanonicalValue }
    switch recordKind {
    case .plain: return try plainRecord(value, in: bytes)
    case nil: throw .unkeptRecordKind
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

  /// Reads `seq`, `exp` and `del`, with or without the rest of a record.
  func recordVersion(in bytes: RawSpan) throws(Reason) -> RecordVersion {
    let seq = try natural(seq, .seq, in: bytes)
    let expiry = try natural(expiry, .expiry, in: bytes)
    if let deletion, !deletion.isOne(in: bytes) { throw .invalid(.deletion) }
    return RecordVersion(seq: seq, expiry: expiry, isTombstone: deletion != nil)
  }
}
