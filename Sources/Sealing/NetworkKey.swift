import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret of a private network: 32 random bytes that all of its nodes have.
///
/// Anyone with the key can read and write everything in the network. It is stored as base64 and never shown.
/// People identify it by its fingerprint, and so does `description`, so that no message contains the key.
package struct NetworkKey: Hashable, Sendable {
  /// The bytes of a key: 32.
  package static let byteCount = 32

  /// The secret itself, which is wiped from memory with its last copy.
  let secret: SymmetricKey

  /// The name of the key for people: 12 hexadecimal digits, the start of an HMAC-SHA256 under the key, which
  /// does not reveal the key.
  package let fingerprint: String

  /// A key from its bytes; nil unless there are `byteCount` of them.
  package init?(bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.init(SymmetricKey(data: bytes))
  }

  /// A key from its base64, with padding and without blanks; nil for anything else.
  package init?(base64 text: some StringProtocol) {
    guard text.utf8.count <= 64, let bytes = Data(base64Encoded: String(text)) else { return nil }
    self.init(bytes: bytes)
  }

  /// A new random key.
  package init(random: inout some RandomNumberGenerator) {
    self.init(
      SymmetricKey(data: (0..<Self.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }))
  }

  private init(_ secret: SymmetricKey) {
    self.secret = secret
    let mark = HMAC<SHA256>.authenticationCode(for: Array("dhtd fingerprint".utf8), using: secret)
    fingerprint = mark.prefix(6).map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }

  /// The key in the format of a key file.
  package var base64: String {
    // The data is a copy of the bytes.
    unsafe secret.withUnsafeBytes { unsafe Data($0).base64EncodedString() }
  }

  package static func == (left: NetworkKey, right: NetworkKey) -> Bool { left.secret == right.secret }

  package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

extension NetworkKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The fingerprint.
  package var description: String { fingerprint }
  package var debugDescription: String { fingerprint }
  package var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint]) }
}
