/// What `put` takes.
package struct PutParams: Hashable, Sendable {
  /// The seconds that a value may live.
  static let ttlRange = 1...ControlLimits.maxTTL

  /// At least one byte. Whether key and value fit in a record is the daemon's to say (`too_large`).
  package var key: [UInt8]
  /// May be empty.
  package var value: [UInt8]
  /// Seconds to live, in `ttlRange`; nil for the daemon's default.
  package var ttl: Int64?
  /// Store only over this version; 0: only if the key has no value. nil: always.
  package var ifSeq: Int64?

  /// A put of a value under a key.
  package init(key: [UInt8], value: [UInt8], ttl: Int64? = nil, ifSeq: Int64? = nil) {
    self.key = key
    self.value = value
    self.ttl = ttl
    self.ifSeq = ifSeq
  }

  init(_ reader: ParamReader) throws(ControlError) {
    key = try reader.key()
    value = try reader.bytes("value")
    ttl = try reader.optionalInteger("ttl", in: Self.ttlRange)
    ifSeq = try reader.optionalInteger("if_seq", in: 0...Int64.max)
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    try container.encodeBytes(key, as: "key")
    try container.encodeBytes(value, as: "value")
    try container.encodeIfPresent(ttl, forKey: "ttl")
    try container.encodeIfPresent(ifSeq, forKey: "if_seq")
  }
}

/// What `get` takes.
package struct GetParams: Hashable, Sendable {
  /// At least one byte.
  package var key: [UInt8]
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

  init(_ reader: ParamReader) throws(ControlError) {
    key = try reader.key()
    maxAge = try reader.optionalInteger("max_age", in: 0...Int64.max) ?? 0
    trace = try reader.optionalBoolean("trace") ?? false
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    try container.encodeBytes(key, as: "key")
    if maxAge != 0 { try container.encode(maxAge, forKey: "max_age") }
    if trace { try container.encode(trace, forKey: "trace") }
  }
}

/// What `delete` takes.
package struct DeleteParams: Hashable, Sendable {
  /// At least one byte.
  package var key: [UInt8]

  /// A deletion of a key.
  package init(key: [UInt8]) { self.key = key }

  init(_ reader: ParamReader) throws(ControlError) { key = try reader.key() }
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

/// What `keyring_add` takes.
package struct KeyringAddParams: Hashable, Sendable {
  /// The key in base64, as in a key file. It is shown and logged nowhere.
  package var networkKey: String

  /// A key to add.
  package init(networkKey: String) { self.networkKey = networkKey }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("network_key") else { throw .missingParam("network_key") }
    networkKey = text
  }
}

/// What `keyring_use` and `keyring_remove` take.
package struct KeyringParams: Hashable, Sendable {
  /// Which key: what `keyring_list` shows.
  package var fingerprint: String

  /// A change that concerns the key with this fingerprint.
  package init(fingerprint: String) { self.fingerprint = fingerprint }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("fingerprint") else { throw .missingParam("fingerprint") }
    fingerprint = text
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
