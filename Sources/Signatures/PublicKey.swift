import Crypto

/// The public key of an Ed25519 key pair (RFC 8032): the owner of a signed record.
package struct PublicKey: Hashable, Sendable {
  /// The bytes of a key.
  package static let byteCount = 32

  /// The key in wire format (BEP 44, `k`).
  package let bytes: [UInt8]

  /// - Returns: nil for any other number of bytes.
  package init?(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// Returns whether this key's owner has signed a text.
  package func hasSigned(_ text: [UInt8], with signature: Signature) -> Bool {
    guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return false }
    return key.isValidSignature(signature.bytes, for: text)
  }
}

/// An Ed25519 signature (RFC 8032).
package struct Signature: Hashable, Sendable {
  /// The bytes of a signature.
  package static let byteCount = 64

  /// The signature in wire format (BEP 44, `sig`).
  package let bytes: [UInt8]

  /// - Returns: nil for any other number of bytes.
  package init?(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }
}
