import Crypto

/// The private key of an Ed25519 key pair (RFC 8032).
///
/// It has no description on purpose, so that it never gets into a log.
package struct SigningKey: Sendable {
  /// The bytes of a seed.
  package static let seedByteCount = 32

  private let key: Curve25519.Signing.PrivateKey
  /// The owner of the records that this key signs.
  package let publicKey: PublicKey

  /// The key made from a seed.
  ///
  /// - Returns: nil for any other number of bytes than `seedByteCount`.
  package init?(seed: some Sequence<UInt8>) {
    guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(seed)),
      let publicKey = PublicKey(key.publicKey.rawRepresentation)
    else { return nil }
    self.key = key
    self.publicKey = publicKey
  }

  /// The seed, for storage.
  package var seed: [UInt8] { Array(key.rawRepresentation) }

  /// Signs a text.
  ///
  /// - Returns: nil if the library fails, which only happens without memory.
  package func signature(of text: [UInt8]) -> Signature? {
    (try? key.signature(for: text)).flatMap { Signature($0) }
  }

  /// A new key from the system's random numbers.
  package static func random() -> SigningKey? {
    SigningKey(seed: Curve25519.Signing.PrivateKey().rawRepresentation)
  }
}
