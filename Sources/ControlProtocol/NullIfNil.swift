/// An optional that is written as `null` when it has no value, so that whoever reads the JSON finds
/// the member in every answer.
@propertyWrapper
package struct NullIfNil<Value: Codable & Hashable & Sendable>: Hashable, Sendable {
  /// The value, or nil where it is not known.
  package var wrappedValue: Value?

  /// A value that may be missing.
  package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }
}

extension NullIfNil: Codable {
  /// Reads a value or null.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
  }

  /// Writes the value or null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}

extension KeyedDecodingContainer {
  /// The derived `init(from:)` of a result calls this one: an absent member is read like a null.
  package func decode<Value>(
    _ type: NullIfNil<Value>.Type, forKey key: Key
  ) throws -> NullIfNil<Value> {
    try decodeIfPresent(type, forKey: key) ?? NullIfNil(wrappedValue: nil)
  }
}
