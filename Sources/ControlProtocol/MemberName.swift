#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The name of any member of a JSON object, for objects whose members are not fixed.
struct MemberName: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
  init(stringLiteral: String) { self.stringValue = stringLiteral }
}

extension KeyedEncodingContainer<MemberName> {
  /// Encodes a byte string under its name if it is UTF-8, and under `NAME_base64` if not.
  mutating func encodeBytes(_ bytes: [UInt8], as name: String) throws {
    if let text = String(validating: bytes, as: UTF8.self) {
      try encode(text, forKey: MemberName(stringValue: name))
    } else {
      try encodeBase64(bytes, as: name + "_base64")
    }
  }

  /// Encodes bytes in base64.
  mutating func encodeBase64(_ bytes: [UInt8], as name: String) throws {
    try encode(Data(bytes).base64EncodedString(), forKey: MemberName(stringValue: name))
  }
}

extension KeyedDecodingContainer<MemberName> {
  /// Decodes the bytes that `encodeBytes` wrote.
  func decodeBytes(_ name: String) throws -> [UInt8] {
    if let text = try decodeIfPresent(String.self, forKey: MemberName(stringValue: name)) {
      return Array(text.utf8)
    }
    return try decodeBase64(name + "_base64")
  }

  /// Decodes the bytes that `encodeBase64` wrote.
  func decodeBase64(_ name: String) throws -> [UInt8] {
    let name = MemberName(stringValue: name)
    guard let bytes = Data(base64Encoded: try decode(String.self, forKey: name)) else {
      throw DecodingError.dataCorruptedError(forKey: name, in: self, debugDescription: "not base64")
    }
    return Array(bytes)
  }
}
