import Signatures
import Testing
import dhtctl

@Suite("Keys from a passphrase") struct SealedNameTests {
  private let diary = SealedName(Array("diary".utf8), passphrase: Array("correct horse".utf8))

  @Test("the keys are those of scrypt and Ed25519, today and in any later version")
  func derivation() throws {
    // Computed with Python's hashlib.scrypt and openssl pkey.
    let expected = "eb7795643f1c719206c5633b05e0959002fa0ced4e121d6f17dd28bbb67b9366"
    let bytes = try #require(diary).signer.publicKey.bytes
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    #expect(digits.joined() == expected)
  }

  @Test("an empty name and an empty passphrase have keys, too")
  func empty() {
    #expect(SealedName([], passphrase: []) != nil)
  }

  @Test("a sealed value opens with its own version number alone")
  func roundTrip() throws {
    let name = try #require(diary)
    let sealed = try #require(name.seal(Array("value".utf8), seq: 1))
    #expect(name.open(sealed, seq: 1) == Array("value".utf8))
    #expect(name.open(sealed, seq: 2) == nil)
  }
}
