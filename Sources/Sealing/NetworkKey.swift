import Crypto

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret that makes a network private: 32 random bytes that all of its nodes have.
///
/// Who has it reads and writes everything in the network. It is written as base64 and shown to nobody:
/// people name it by its fingerprint, and so does `description`, in case a key gets into a message.
package struct NetworkKey: Hashable, Sendable {
  /// 32.
  package static let byteCount = 32

  /// The secret itself; it is wiped from memory with its last copy.
  let secret: SymmetricKey

  /// What people call it: 12 hexadecimal digits, the beginning of an HMAC-SHA256 under the key, by
  /// which nobody finds the key.
  package let fingerprint: String

  /// A key of its bytes; nil unless there are `byteCount` of them.
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

  /// A new key.
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

  /// The key as it is written to a key file, and nowhere else.
  package var base64: String { secret.withUnsafeBytes { Data($0).base64EncodedString() } }

  package static func == (left: NetworkKey, right: NetworkKey) -> Bool { left.secret == right.secret }

  package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

extension NetworkKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The fingerprint.
  package var description: String { fingerprint }
  package var debugDescription: String { fingerprint }
  package var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint]) }
}
