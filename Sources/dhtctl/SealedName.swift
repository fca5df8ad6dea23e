import CSealing
import Crypto
package import Signatures

/// A name and a passphrase, and the two keys derived from them: one signs the record, and one encrypts it.
///
/// The record can be found with these two alone, and its holders learn neither its content nor its name: its
/// public key is its only address, and a new nonce makes each version look random. A weak passphrase is no
/// protection, because a holder can try any number of them.
package struct SealedName {
  /// The cost of a guess with scrypt (RFC 7914): N = 2^17, r = 8, p = 1, which takes 128 MiB and some tenths
  /// of a second.
  private static let rounds: UInt64 = 1 << 17
  private static let blockSize: UInt64 = 8
  private static let parallelism: UInt64 = 1
  /// Separates the derived keys from those of any other use, and names the format.
  private static let domain = Array("dhtd sealed record 1\0".utf8)
  private static let version: UInt8 = 1

  /// Signs the record.
  package let signer: SigningKey
  private let key: SymmetricKey

  /// Derives the keys, which is slow on purpose.
  ///
  /// - Returns: nil if there is not enough memory.
  package init?(_ name: [UInt8], passphrase: [UInt8]) {
    let salt = Self.domain + name
    var bytes = [UInt8](repeating: 0, count: SigningKey.seedByteCount + 32)
    // Each length is that of its array, and C keeps no pointer.
    guard
      unsafe csealing_scrypt(
        passphrase, passphrase.count, salt, salt.count, Self.rounds, Self.blockSize, Self.parallelism, &bytes,
        bytes.count) == 1, let signer = SigningKey(seed: bytes.prefix(SigningKey.seedByteCount))
    else { return nil }
    self.signer = signer
    key = SymmetricKey(data: bytes.dropFirst(SigningKey.seedByteCount))
  }

  /// The data that a seal authenticates besides its content, so that no holder can pass an old version off
  /// as a newer one, or one record as another.
  private func context(seq: Int64) -> [UInt8] {
    // The bytes are copied before the closure returns.
    unsafe Self.domain + signer.publicKey.bytes + withUnsafeBytes(of: seq.bigEndian) { unsafe Array($0) }
  }

  /// Encrypts a value with ChaCha20-Poly1305 (RFC 8439): a version byte, a random nonce, the ciphertext and
  /// its tag.
  ///
  /// - Returns: nil if the library fails.
  package func seal(_ value: [UInt8], seq: Int64) -> [UInt8]? {
    guard let box = try? ChaChaPoly.seal(value, using: key, authenticating: context(seq: seq)) else {
      return nil
    }
    return [Self.version] + box.combined
  }

  /// Decrypts the output of `seal`; nil for anything else.
  package func open(_ sealed: [UInt8], seq: Int64) -> [UInt8]? {
    guard sealed.first == Self.version, let box = try? ChaChaPoly.SealedBox(combined: sealed.dropFirst()),
      let value = try? ChaChaPoly.open(box, using: key, authenticating: context(seq: seq))
    else { return nil }
    return Array(value)
  }
}
