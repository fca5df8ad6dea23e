/// The parameters of `put`.
package struct PutParams: Hashable, Sendable {
  /// The permitted lifetimes of a value, in seconds.
  static let ttlRange = 1...ControlLimits.maxTTL

  /// The kind of record to write.
  package var kind = RecordKindName.plain
  /// The key of a plain record, at least one byte; the name of a signed record, which may be empty; empty
  /// for an immutable record. The daemon checks that key and value fit into a record (`too_large`).
  package var key: [UInt8]
  /// The value, which may be empty.
  package var value: [UInt8]
  /// True if the value is bencoded already (BEP 44), which only immutable and signed records allow. Any
  /// other value becomes a byte string.
  package var isBencoded = false
  /// The lifetime in seconds, in `ttlRange`; nil for the daemon's default.
  package var ttl: Int64?
  /// The version to replace: 0 if the key must have no value, nil for any version.
  package var ifSeq: Int64?
  /// The number of nodes that must confirm; fewer are an error (`quorum_failed`), although the value is stored at
  /// them. nil if a majority of the nodes that answer is enough.
  package var minCopies: Int64?
  /// The signature of a signed record; nil if the daemon signs it with its own record key.
  package var signature: SignatureParams?

  /// A put of a value under a key.
  package init(key: [UInt8], value: [UInt8], ttl: Int64? = nil, ifSeq: Int64? = nil) {
    self.key = key
    self.value = value
    self.ttl = ttl
    self.ifSeq = ifSeq
  }

  init(_ reader: ParamReader) throws(ControlError) {
    kind = try reader.kind()
    switch kind {
    case .plain: key = try reader.key()
    case .signed: key = try reader.optionalBytes("key") ?? []
    case .immutable:
      guard try reader.optionalBytes("key") == nil else {
        throw .invalidParam("key", "an immutable record has no key; its value makes its target")
      }
      key = []
    }
    if let bencoded = try reader.optionalBase64("value_bencoded_base64") {
      guard kind != .plain, try reader.optionalBytes("value") == nil else {
        throw .invalidParam(
          "value_bencoded_base64",
          "value_bencoded_base64 is for immutable and signed records, and replaces value")
      }
      (value, isBencoded) = (bencoded, true)
    } else {
      value = try reader.bytes("value")
    }
    ttl = try reader.optionalInteger("ttl", in: Self.ttlRange)
    ifSeq = try reader.optionalInteger("if_seq", in: 0...Int64.max)
    minCopies = try reader.optionalInteger("min_copies", in: 1...Int64.max)
    signature = try SignatureParams(reader)
    guard signature == nil || kind == .signed else {
      throw .invalidParam("signature", "only a signed record has a signature")
    }
    guard ifSeq == nil || kind != .immutable else {
      throw .invalidParam("if_seq", "an immutable record has one version")
    }
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    if kind != .immutable { try container.encodeBytes(key, as: "key") }
    if isBencoded {
      try container.encodeBase64(value, as: "value_bencoded_base64")
    } else {
      try container.encodeBytes(value, as: "value")
    }
    try container.encodeIfPresent(ttl, forKey: "ttl")
    try container.encodeIfPresent(ifSeq, forKey: "if_seq")
    try container.encodeIfPresent(minCopies, forKey: "min_copies")
    try signature?.encode(to: &container)
  }
}
