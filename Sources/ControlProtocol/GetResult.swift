/// The result of `get`.
package struct GetResult: Hashable, Sendable {
  /// The kind of record. It is on the wire only if the record is not plain.
  package var kind = RecordKindName.plain
  /// The value. On the wire it is `value` if it is UTF-8, and otherwise `value_base64`.
  package var value: [UInt8]
  /// True if the value is bencoded because it is not a byte string (BEP 44). On the wire it is then
  /// `value_bencoded_base64`.
  package var isBencoded = false
  /// The version that was read.
  package var seq: Int64
  /// The expiry time, in seconds since the epoch.
  package var expires: Int64
  /// The target of the record: 40 hexadecimal digits.
  package var target: String
  /// True if too few nodes answered to tell whether this is the newest version.
  package var isUnconfirmed: Bool
  /// The seconds since this node fetched the copy that is the answer (`max_age`); nil if it asked the
  /// network.
  package var age: Int64?
  /// With `trace`, the queries in the order in which they were sent; empty if a copy was the answer. Nil
  /// without `trace`.
  package var steps: [LookupStep]?

  /// A value that was found.
  package init(
    value: [UInt8], seq: Int64, expires: Int64, target: String, age: Int64? = nil,
    steps: [LookupStep]? = nil, isUnconfirmed: Bool = false
  ) {
    self.value = value
    self.seq = seq
    self.expires = expires
    self.target = target
    self.age = age
    self.steps = steps
    self.isUnconfirmed = isUnconfirmed
  }
}

extension GetResult: Codable {
  /// Decodes the result object.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: MemberName.self)
    kind = try container.decodeIfPresent(RecordKindName.self, forKey: "kind") ?? .plain
    isBencoded = container.contains("value_bencoded_base64")
    value =
      try isBencoded ? container.decodeBase64("value_bencoded_base64") : container.decodeBytes("value")
    seq = try container.decode(Int64.self, forKey: "seq")
    expires = try container.decode(Int64.self, forKey: "expires")
    target = try container.decode(String.self, forKey: "target")
    // A daemon of version 0.5 does not say.
    isUnconfirmed = try container.decodeIfPresent(Bool.self, forKey: "unconfirmed") ?? false
    age = try container.decodeIfPresent(Int64.self, forKey: "age")
    steps = try container.decodeIfPresent([LookupStep].self, forKey: "steps")
  }

  /// Encodes the result object.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: MemberName.self)
    if kind != .plain { try container.encode(kind, forKey: "kind") }
    if isBencoded {
      try container.encodeBase64(value, as: "value_bencoded_base64")
    } else {
      try container.encodeBytes(value, as: "value")
    }
    try container.encode(seq, forKey: "seq")
    try container.encode(expires, forKey: "expires")
    try container.encode(target, forKey: "target")
    try container.encode(isUnconfirmed, forKey: "unconfirmed")
    try container.encodeIfPresent(age, forKey: "age")
    try container.encodeIfPresent(steps, forKey: "steps")
  }
}
