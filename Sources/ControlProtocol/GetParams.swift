/// The parameters of `get`.
package struct GetParams: Hashable, Sendable {
  /// The kind of record to read.
  package var kind = RecordKindName.plain
  /// The key of a plain record, at least one byte; the name of a signed record, which may be empty; empty
  /// for an immutable record.
  package var key: [UInt8]
  /// The target of an immutable record: 20 bytes, 40 hexadecimal digits on the wire.
  package var target: [UInt8]?
  /// The owner of a signed record: 32 bytes, hexadecimal on the wire; nil for the daemon's own key.
  package var publicKey: [UInt8]?
  /// The greatest age of a copy that the daemon may answer with, in seconds. With 0 it never answers with a
  /// copy, so that no copy hides a confirmed put.
  package var maxAge: Int64
  /// True if the answer contains the steps of the lookup.
  package var trace: Bool
  /// True if a version that too few nodes confirm is an error (`unreachable`) and not an answer.
  package var isStrict = false

  /// A get of a key.
  package init(key: [UInt8], maxAge: Int64 = 0, trace: Bool = false) {
    self.key = key
    self.maxAge = maxAge
    self.trace = trace
  }

  /// A get of an immutable record.
  package init(target: [UInt8], maxAge: Int64 = 0, trace: Bool = false) {
    self.init(key: [], maxAge: maxAge, trace: trace)
    kind = .immutable
    self.target = target
  }

  init(_ reader: ParamReader) throws(ControlError) {
    kind = try reader.kind()
    target = try reader.optionalHex("target", count: 20)
    publicKey = try reader.optionalHex("public_key", count: SignatureParams.publicKeyBytes)
    switch kind {
    case .plain: key = try reader.key()
    case .signed: key = try reader.optionalBytes("key") ?? []
    case .immutable:
      key = []
      guard target != nil else { throw .missingParam("target") }
      guard try reader.optionalBytes("key") == nil else {
        throw .invalidParam("key", "an immutable record is read by its target")
      }
    }
    guard target == nil || kind == .immutable else {
      throw .invalidParam("target", "target is for the kind immutable")
    }
    guard publicKey == nil || kind == .signed else {
      throw .invalidParam("public_key", "public_key is for the kind signed")
    }
    maxAge = try reader.optionalInteger("max_age", in: 0...Int64.max) ?? 0
    trace = try reader.optionalBoolean("trace") ?? false
    isStrict = try reader.optionalBoolean("strict") ?? false
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    if kind != .immutable { try container.encodeBytes(key, as: "key") }
    try container.encodeIfPresent(target.map(Hex.string), forKey: "target")
    try container.encodeIfPresent(publicKey.map(Hex.string), forKey: "public_key")
    if maxAge != 0 { try container.encode(maxAge, forKey: "max_age") }
    if trace { try container.encode(trace, forKey: "trace") }
    if isStrict { try container.encode(isStrict, forKey: "strict") }
  }
}
