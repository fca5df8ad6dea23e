/// The result of `keys`: a page of the keys that this node holds.
package struct KeysResult: Codable, Hashable, Sendable {
  /// The keys of the page.
  package var keys: [HeldKey]
  /// The cursor of the next page; null if this is the last.
  @NullIfNil package var cursor: String?

  /// A page of keys.
  package init(keys: [HeldKey], cursor: String?) {
    self.keys = keys
    self.cursor = cursor
  }
}

/// A key under which this node holds a record.
package struct HeldKey: Hashable, Sendable {
  /// The kind of record. It is on the wire only if the record is not plain.
  package var kind = RecordKindName.plain
  /// The key, the name of a signed record, or the target of an immutable one in hexadecimal digits. On the
  /// wire it is `key` if it is UTF-8, and otherwise `key_base64`.
  package var key: [UInt8]
  /// The owner of a signed record, in hexadecimal digits; nil for the other kinds.
  package var publicKey: String?
  /// The target of the record: 40 hexadecimal digits.
  package var target: String
  /// The version that is held.
  package var seq: Int64
  /// The expiry time, in seconds since the epoch.
  package var expires: Int64
  /// The bytes of the value.
  package var size: Int64

  /// A record without its value.
  package init(
    key: [UInt8], target: String, seq: Int64, expires: Int64, size: Int64
  ) {
    self.key = key
    self.target = target
    self.seq = seq
    self.expires = expires
    self.size = size
  }
}

extension HeldKey: Codable {
  /// Decodes an entry of `keys`.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: MemberName.self)
    kind = try container.decodeIfPresent(RecordKindName.self, forKey: "kind") ?? .plain
    key = try container.decodeBytes("key")
    publicKey = try container.decodeIfPresent(String.self, forKey: "public_key")
    target = try container.decode(String.self, forKey: "target")
    seq = try container.decode(Int64.self, forKey: "seq")
    expires = try container.decode(Int64.self, forKey: "expires")
    size = try container.decode(Int64.self, forKey: "size")
  }

  /// Encodes an entry of `keys`.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: MemberName.self)
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    try container.encodeBytes(key, as: "key")
    try container.encodeIfPresent(publicKey, forKey: "public_key")
    try container.encode(target, forKey: "target")
    try container.encode(seq, forKey: "seq")
    try container.encode(expires, forKey: "expires")
    try container.encode(size, forKey: "size")
  }
}
