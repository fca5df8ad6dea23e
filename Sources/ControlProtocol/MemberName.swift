#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The name of any member of a JSON object, for objects whose members are not known beforehand.
struct MemberName: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
  init(stringLiteral: String) { self.stringValue = stringLiteral }
}

extension KeyedEncodingContainer<MemberName> {
  /// Writes a byte string under its name where it is UTF-8, and under `NAME_base64` where it is not.
  mutating func encodeBytes(_ bytes: [UInt8], as name: String) throws {
    if let text = String(validating: bytes, as: UTF8.self) {
      try encode(text, forKey: MemberName(stringValue: name))
    } else {
      try encode(Data(bytes).base64EncodedString(), forKey: MemberName(stringValue: name + "_base64"))
    }
  }
}

extension KeyedDecodingContainer<MemberName> {
  /// Reads what `encodeBytes` wrote.
  func decodeBytes(_ name: String) throws -> [UInt8] {
    if let text = try decodeIfPresent(String.self, forKey: MemberName(stringValue: name)) {
      return Array(text.utf8)
    }
    let base64Name = MemberName(stringValue: name + "_base64")
    guard let bytes = Data(base64Encoded: try decode(String.self, forKey: base64Name)) else {
      throw DecodingError.dataCorruptedError(
        forKey: base64Name, in: self, debugDescription: "not base64")
    }
    return Array(bytes)
  }
}
