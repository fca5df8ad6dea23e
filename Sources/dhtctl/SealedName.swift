import CSealing
import Crypto
package import Signatures

/// A passphrase and a name, and the keys that they make: one to write the record by, and one to read it by.
///
/// Nothing else is needed to find the record, and nobody who holds it can tell what it says or what it is
/// called: its public key is its only address, and a new nonce makes each version look like any other. A
/// passphrase that can be guessed is no protection: whoever holds the record can try as many as they like.
package struct SealedName {
  /// What scrypt (RFC 7914) is made to cost for each guess: N = 2^17, r = 8, p = 1, which takes 128 MiB and
  /// some tenths of a second.
  private static let rounds: UInt64 = 1 << 17
  private static let blockSize: UInt64 = 8
  private static let parallelism: UInt64 = 1
  /// Keeps what is derived here from being of use anywhere else, and names the format.
  private static let domain = Array("dhtd sealed record 1\0".utf8)
  private static let version: UInt8 = 1

  /// Signs the record.
  package let signer: SigningKey
  private let key: SymmetricKey

  /// Derives the keys, which takes a while on purpose.
  ///
  /// - Returns: nil where there is no memory for it.
  package init?(_ name: [UInt8], passphrase: [UInt8]) {
    let salt = Self.domain + name
    var bytes = [UInt8](repeating: 0, count: SigningKey.seedByteCount + 32)
    guard
      csealing_scrypt(
        passphrase, passphrase.count, salt, salt.count, Self.rounds, Self.blockSize, Self.parallelism, &bytes,
        bytes.count) == 1, let signer = SigningKey(seed: bytes.prefix(SigningKey.seedByteCount))
    else { return nil }
    self.signer = signer
    key = SymmetricKey(data: bytes.dropFirst(SigningKey.seedByteCount))
  }

  /// What a seal is bound to besides its content: that no holder gives an old version out as a newer one, or
  /// one record as another.
  private func context(seq: Int64) -> [UInt8] {
    Self.domain + signer.publicKey.bytes + withUnsafeBytes(of: seq.bigEndian) { Array($0) }
  }

  /// Encrypts a value with ChaCha20-Poly1305 (RFC 8439): a version byte, a random nonce, the ciphertext and its
  /// tag.
  ///
  /// - Returns: nil where the library fails.
  package func seal(_ value: [UInt8], seq: Int64) -> [UInt8]? {
    guard let box = try? ChaChaPoly.seal(value, using: key, authenticating: context(seq: seq)) else {
      return nil
    }
    return [Self.version] + box.combined
  }

  /// Decrypts what `seal` made; nil for anything else.
  package func open(_ sealed: [UInt8], seq: Int64) -> [UInt8]? {
    guard sealed.first == Self.version, let box = try? ChaChaPoly.SealedBox(combined: sealed.dropFirst()),
      let value = try? ChaChaPoly.open(box, using: key, authenticating: context(seq: seq))
    else { return nil }
    return Array(value)
  }
}
