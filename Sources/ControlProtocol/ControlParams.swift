/// What `put` takes.
package struct PutParams: Hashable, Sendable {
  /// The seconds that a value may live.
  static let ttlRange = 1...ControlLimits.maxTTL

  /// What kind of record is written.
  package var kind = RecordKindName.plain
  /// Of a plain record at least one byte; of a signed one its name, which may be empty; of an immutable one
  /// empty. Whether key and value fit in a record is the daemon's to say (`too_large`).
  package var key: [UInt8]
  /// May be empty.
  package var value: [UInt8]
  /// Whether the value is bencoded already (BEP 44), as that of an immutable or signed record may be; any other
  /// becomes a byte string.
  package var isBencoded = false
  /// Seconds to live, in `ttlRange`; nil for the daemon's default.
  package var ttl: Int64?
  /// Store only over this version; 0: only if the key has no value. nil: always.
  package var ifSeq: Int64?
  /// A signed record's, where it was signed before; nil: the daemon signs it with its own record key.
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
          "value_bencoded_base64 is for immutable and signed records, and stands instead of value")
      }
      (value, isBencoded) = (bencoded, true)
    } else {
      value = try reader.bytes("value")
    }
    ttl = try reader.optionalInteger("ttl", in: Self.ttlRange)
    ifSeq = try reader.optionalInteger("if_seq", in: 0...Int64.max)
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
    try signature?.encode(to: &container)
  }
}

/// What `get` takes.
package struct GetParams: Hashable, Sendable {
  /// What kind of record is read.
  package var kind = RecordKindName.plain
  /// Of a plain record at least one byte; of a signed one its name, which may be empty; of an immutable one
  /// empty.
  package var key: [UInt8]
  /// Where an immutable record is: 20 bytes, 40 hexadecimal digits on the wire.
  package var target: [UInt8]?
  /// Whose signed record it is: 32 bytes, hexadecimal on the wire; nil: the daemon's own.
  package var publicKey: [UInt8]?
  /// The daemon may answer with a copy that it fetched at most this many seconds ago; 0: never, so
  /// that no copy hides a put that was confirmed since.
  package var maxAge: Int64
  /// Whether the answer is to tell the steps that led to it.
  package var trace: Bool

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
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    if kind != .immutable { try container.encodeBytes(key, as: "key") }
    try container.encodeIfPresent(target.map(Hex.string), forKey: "target")
    try container.encodeIfPresent(publicKey.map(Hex.string), forKey: "public_key")
    if maxAge != 0 { try container.encode(maxAge, forKey: "max_age") }
    if trace { try container.encode(trace, forKey: "trace") }
  }
}

/// What `delete` takes.
package struct DeleteParams: Hashable, Sendable {
  /// What kind of record is deleted: plain, or signed by the daemon's own record key.
  package var kind = RecordKindName.plain
  /// As in a put.
  package var key: [UInt8]

  /// A deletion of a key.
  package init(key: [UInt8]) { self.key = key }

  init(_ reader: ParamReader) throws(ControlError) {
    kind = try reader.kind()
    switch kind {
    case .plain: key = try reader.key()
    case .signed: key = try reader.optionalBytes("key") ?? []
    case .immutable: throw .invalidParam("kind", "nobody can delete an immutable record; it expires")
    }
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    try container.encodeBytes(key, as: "key")
  }
}

/// What `keys` takes.
package struct KeysParams: Hashable, Sendable {
  /// Only keys that begin with these bytes; empty: all.
  package var prefix: [UInt8]
  /// Keys of the page, from 1 to `ControlLimits.maxKeysPage`.
  package var limit: Int64
  /// What the page before gave as its `cursor`; nil: the first page.
  package var cursor: String?

  /// A page of the keys that this node holds.
  package init(
    prefix: [UInt8] = [], limit: Int64 = ControlLimits.defaultKeysPage, cursor: String? = nil
  ) {
    self.prefix = prefix
    self.limit = limit
    self.cursor = cursor
  }

  init(_ reader: ParamReader) throws(ControlError) {
    prefix = try reader.optionalBytes("prefix") ?? []
    limit =
      try reader.optionalInteger("limit", in: 1...ControlLimits.maxKeysPage)
      ?? ControlLimits.defaultKeysPage
    cursor = try reader.optionalString("cursor")
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    if !prefix.isEmpty { try container.encodeBytes(prefix, as: "prefix") }
    try container.encode(limit, forKey: "limit")
    try container.encodeIfPresent(cursor, forKey: "cursor")
  }
}

/// What `lookup` takes: a point, or a key that hashes to one.
package enum LookupParams: Hashable, Sendable {
  /// 20 bytes; 40 hexadecimal digits on the wire.
  case target([UInt8])
  /// At least one byte.
  case key([UInt8])

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("target") else {
      guard let key = try reader.optionalBytes("key") else {
        throw .invalidParam("target", "lookup needs one of target, key and key_base64")
      }
      self = .key(try ParamReader.checkedKey(key))
      return
    }
    guard try reader.optionalBytes("key") == nil else {
      throw .invalidParam("target", "lookup takes target or a key, not both; send one of them")
    }
    guard let target = Hex.bytes(text), target.count == 20 else {
      throw .invalidParam("target", "target must be 40 hexadecimal digits")
    }
    self = .target(target)
  }
}

/// What `ping` takes.
package struct PingParams: Hashable, Sendable {
  /// The node to ping.
  package var address: HostPort

  /// A ping of the node at an address.
  package init(address: HostPort) { self.address = address }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("address") else { throw .missingParam("address") }
    address = try ParamReader.address(text, of: "address")
  }
}

/// What `bootstrap` takes.
package struct BootstrapParams: Hashable, Sendable {
  /// From 1 to `ControlLimits.maxBootstrapAddresses` nodes to meet.
  package var addresses: [HostPort]

  /// A join by way of the nodes at these addresses.
  package init(addresses: [HostPort]) { self.addresses = addresses }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let texts = try reader.optionalStrings("addresses") else { throw .missingParam("addresses") }
    guard (1...ControlLimits.maxBootstrapAddresses).contains(texts.count) else {
      throw .invalidParam(
        "addresses", "addresses must hold from 1 to \(ControlLimits.maxBootstrapAddresses) addresses")
    }
    var addresses: [HostPort] = []
    for text in texts { addresses.append(try ParamReader.address(text, of: "addresses")) }
    self.addresses = addresses
  }
}
