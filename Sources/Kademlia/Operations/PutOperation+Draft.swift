import Signatures

extension PutOperation {
  /// The record to write, as far as it is known before the lookup has ended.
  enum Draft: Sendable {
    case plain(key: [UInt8], value: [UInt8], isTombstone: Bool)
    case immutable([UInt8])
    /// A record that this node signs once the seq is known.
    case toSign(SigningKey, salt: [UInt8], value: [UInt8])
    /// A record that was signed elsewhere, with a fixed seq.
    case signed(Record)

    var name: RecordName {
      switch self {
      case .plain(let key, _, _): .plain(key: key)
      case .immutable(let value): .immutable(NodeID(sha1Of: value))
      case .toSign(let signer, let salt, _): .signed(signer.publicKey, salt: salt)
      case .signed(let record): record.name
      }
    }

    var isTombstone: Bool {
      switch self {
      case .plain(_, _, let isTombstone): isTombstone
      case .immutable: false
      case .toSign(_, _, let value): value == SignedText.deletion
      case .signed(let record): record.version.isTombstone
      }
    }

    /// Makes the record of a version; nil if it cannot be signed.
    func record(_ version: RecordVersion) -> Record? {
      switch self {
      case .plain(let key, let value, _): return Record(plainKey: key, value: value, version: version)
      case .immutable(let value): return Record(immutable: value, expiry: version.expiry)
      case .toSign(let signer, let salt, let value):
        let text = SignedText.of(salt: salt, seq: version.seq, value: value)
        guard let signature = signer.signature(of: text) else { return nil }
        return Record(
          signed: Record.Authorship(owner: signer.publicKey, salt: salt, signature: signature), value: value,
          seq: version.seq, expiry: version.expiry)
      case .signed(let record): return record.expiring(at: version.expiry)
      }
    }
  }
}
