#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Reads the members of `params` strictly. Every error names its parameter.
struct ParamReader {
  /// Nil if the request has no `params`, which is the same as an empty object.
  private let container: KeyedDecodingContainer<MemberName>?

  /// - Throws: -32602 for an unknown parameter.
  init(_ container: KeyedDecodingContainer<MemberName>?, for method: ControlMethod) throws(ControlError) {
    self.container = container
    // Sorted, because the decoder's order changes with every process.
    let unknown = container?.allKeys.map(\.stringValue).filter { !method.params.contains($0) }.sorted()
    guard let name = unknown?.first else { return }
    let takes =
      method.params.isEmpty ? "it takes none" : "it takes \(method.params.joined(separator: ", "))"
    let shown = ControlError.shortened(name)
    throw .invalidParam(shown, "\(method.rawValue) takes no parameter '\(shown)'; \(takes)")
  }

  /// The parameter; nil if it is absent or null.
  private func optional<Value: Decodable>(
    _ name: String, _ type: Value.Type, _ what: String
  ) throws(ControlError) -> Value? {
    guard let container else { return nil }
    do {
      return try container.decodeIfPresent(type, forKey: MemberName(stringValue: name))
    } catch {
      throw .invalidParam(name, "\(name) must be \(what)")
    }
  }

  func optionalString(_ name: String) throws(ControlError) -> String? {
    try optional(name, String.self, "a string")
  }

  func optionalStrings(_ name: String) throws(ControlError) -> [String]? {
    try optional(name, [String].self, "an array of strings")
  }

  func optionalBoolean(_ name: String) throws(ControlError) -> Bool? {
    try optional(name, Bool.self, "true or false")
  }

  func optionalInteger(_ name: String, in range: ClosedRange<Int64>) throws(ControlError) -> Int64? {
    let bounds =
      range.upperBound == Int64.max
      ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
    let what = "a whole number, \(bounds)"
    guard let number = try optional(name, Int64.self, what) else { return nil }
    guard range.contains(number) else { throw .invalidParam(name, "\(name) must be \(what)") }
    return number
  }

  /// A byte string that is given either as text or as base64.
  func optionalBytes(_ name: String) throws(ControlError) -> [UInt8]? {
    let text = try optionalString(name)
    guard let base64 = try optionalString(name + "_base64") else { return text.map { Array($0.utf8) } }
    guard text == nil else {
      throw .invalidParam(name, "\(name) and \(name)_base64 are the same parameter; send one of them")
    }
    guard let bytes = Data(base64Encoded: base64) else {
      throw .invalidParam(name + "_base64", "\(name)_base64 must be base64 with its padding")
    }
    return Array(bytes)
  }

  /// Bytes in base64 only.
  func optionalBase64(_ name: String) throws(ControlError) -> [UInt8]? {
    guard let text = try optionalString(name) else { return nil }
    guard let bytes = Data(base64Encoded: text) else {
      throw .invalidParam(name, "\(name) must be base64 with its padding")
    }
    return Array(bytes)
  }

  /// A number of bytes in hexadecimal digits.
  func optionalHex(_ name: String, count: Int) throws(ControlError) -> [UInt8]? {
    guard let text = try optionalString(name) else { return nil }
    guard let bytes = Hex.bytes(text), bytes.count == count else {
      throw .invalidParam(name, "\(name) must be \(2 * count) hexadecimal digits")
    }
    return bytes
  }

  /// The kind of record; plain by default.
  func kind() throws(ControlError) -> RecordKindName {
    guard let text = try optionalString("kind") else { return .plain }
    guard let kind = RecordKindName(rawValue: text) else {
      throw .invalidParam("kind", "kind must be plain, immutable or signed")
    }
    return kind
  }

  func bytes(_ name: String) throws(ControlError) -> [UInt8] {
    guard let bytes = try optionalBytes(name) else { throw .missingParam(name) }
    return bytes
  }

  func key() throws(ControlError) -> [UInt8] { try Self.checkedKey(bytes("key")) }

  static func checkedKey(_ key: [UInt8]) throws(ControlError) -> [UInt8] {
    guard key.count >= ControlLimits.minKeyBytes else {
      throw .invalidParam("key", "key must not be empty")
    }
    return key
  }

  static func address(_ text: String, of name: String) throws(ControlError) -> HostPort {
    do {
      return try HostPort(text)
    } catch {
      throw .invalidParam(name, "\(name): \(error.description)")
    }
  }
}
