import Crypto

/// The private half of an Ed25519 key pair (RFC 8032).
///
/// It has no description on purpose: what is secret gets into no log.
package struct SigningKey: Sendable {
  /// The bytes that a key is made from.
  package static let seedByteCount = 32

  private let key: Curve25519.Signing.PrivateKey
  /// Whose records these are.
  package let publicKey: PublicKey

  /// The key of a seed.
  ///
  /// - Returns: nil for any other number of bytes than `seedByteCount`.
  package init?(seed: some Sequence<UInt8>) {
    guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(seed)),
      let publicKey = PublicKey(key.publicKey.rawRepresentation)
    else { return nil }
    self.key = key
    self.publicKey = publicKey
  }

  /// What it is kept as.
  package var seed: [UInt8] { Array(key.rawRepresentation) }

  /// Signs a text.
  ///
  /// - Returns: nil where the library fails, for which there is no reason but a lack of memory.
  package func signature(of text: [UInt8]) -> Signature? {
    (try? key.signature(for: text)).flatMap { Signature($0) }
  }

  /// A new key, from the system's random numbers.
  package static func random() -> SigningKey? {
    SigningKey(seed: Curve25519.Signing.PrivateKey().rawRepresentation)
  }
}
