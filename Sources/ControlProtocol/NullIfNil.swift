/// An optional that is encoded as `null` if it has no value, so that every answer contains the member.
@propertyWrapper
package struct NullIfNil<Value: Codable & Hashable & Sendable>: Hashable, Sendable {
  /// The value; nil if it is unknown.
  package var wrappedValue: Value?

  /// A value that may be missing.
  package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }
}

extension NullIfNil: Codable {
  /// Decodes a value or null.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Encodes the value or null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}

extension KeyedDecodingContainer {
  /// Decodes an absent member like a null. The derived `init(from:)` of a result calls this method.
  package func decode<Value>(
    _ type: NullIfNil<Value>.Type, forKey key: Key
  ) throws -> NullIfNil<Value> {
    try decodeIfPresent(type, forKey: key) ?? NullIfNil(wrappedValue: nil)
  }
}
