/// The signed text of a record, and the encoding of its value (BEP 44).
package enum SignedText {
  /// The most bytes of a salt (BEP 44).
  package static let maxSalt = 64

  /// The text that is signed: salt, seq and value as in a message, without the outermost `d` and `e`. An
  /// empty salt is left out (BEP 44, Signature Verification).
  ///
  /// - Parameter value: the bencoded value.
  package static func of(salt: [UInt8], seq: Int64, value: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    if !salt.isEmpty {
      text += Array("4:salt".utf8)
      text += bencoded(salt)
    }
    text += Array("3:seqi\(seq)e1:v".utf8)
    text += value
    return text
  }

  /// The value that deletes a signed record: an empty byte string.
  package static let deletion = Array("0:".utf8)

  /// Bencodes a byte string.
  package static func bencoded(_ content: [UInt8]) -> [UInt8] { Array("\(content.count):".utf8) + content }

  /// The content of a bencoded byte string; nil for any other value or invalid bytes.
  package static func content(of value: [UInt8]) -> [UInt8]? {
    guard let colon = value.firstIndex(of: UInt8(ascii: ":")), let first = value.first,
      let length = Int(String(decoding: value[..<colon], as: UTF8.self)), first != UInt8(ascii: "+"),
      value.count - colon - 1 == length
    else { return nil }
    return Array(value[(colon + 1)...])
  }
}
