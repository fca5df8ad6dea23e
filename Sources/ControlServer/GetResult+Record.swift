import ControlProtocol
import Kademlia
import Signatures

extension GetResult {
  init(_ record: Record, age: Int64?, steps: [LookupStep]?, isUnconfirmed: Bool = false) {
    let content = record.id.kind == .plain ? record.value : SignedText.content(of: record.value)
    self.init(
      value: content ?? record.value, seq: record.version.seq, expires: record.version.expiry,
      target: "\(record.target)", age: age, steps: steps, isUnconfirmed: isUnconfirmed)
    kind = RecordKindName(record.id.kind)
    isBencoded = content == nil
  }
}

extension HeldKey {
  init(_ record: Record) {
    self.init(
      key: record.key, target: "\(record.target)", seq: record.version.seq,
      expires: record.version.expiry, size: Int64(record.value.count))
    kind = RecordKindName(record.id.kind)
    if case .signed(let authorship) = record.binding { publicKey = Hex.string(authorship.owner.bytes) }
  }
}

extension RecordKindName {
  init(_ kind: RecordKind) {
    switch kind {
    case .plain: self = .plain
    case .immutable: self = .immutable
    case .signed: self = .signed
    }
  }
}
