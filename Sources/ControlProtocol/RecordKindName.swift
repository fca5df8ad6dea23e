/// The kinds of records, by their names in `kind`.
package enum RecordKindName: String, Codable, CaseIterable, Hashable, Sendable {
  /// A record under a key, which anyone may write.
  case plain
  /// A record under the hash of its value.
  case immutable
  /// A record under a public key and a name (its salt), which only the owner of the key may write.
  case signed
}

/// A signature that the client made, and the signed data besides the value and the name.
package struct SignatureParams: Hashable, Sendable {
  /// The lengths of a public key and of a signature (Ed25519), in bytes.
  static let publicKeyBytes = 32
  static let signatureBytes = 64

  /// The owner's Ed25519 key, 32 bytes; hexadecimal on the wire.
  package var publicKey: [UInt8]
  /// The signed version, 0 or more.
  package var seq: Int64
  /// The signature, 64 bytes; hexadecimal on the wire.
  package var signature: [UInt8]

  /// An existing signature.
  package init(publicKey: [UInt8], seq: Int64, signature: [UInt8]) {
    self.publicKey = publicKey
    self.seq = seq
    self.signature = signature
  }

  /// Reads all three members; nil if there are none.
  init?(_ reader: ParamReader) throws(ControlError) {
    let publicKey = try reader.optionalHex("public_key", count: Self.publicKeyBytes)
    let seq = try reader.optionalInteger("seq", in: 0...Int64.max)
    guard let signature = try reader.optionalHex("signature", count: Self.signatureBytes) else {
      guard publicKey == nil, seq == nil else { throw .missingParam("signature") }
      return nil
    }
    guard let publicKey else { throw .missingParam("public_key") }
    guard let seq else { throw .missingParam("seq") }
    self.init(publicKey: publicKey, seq: seq, signature: signature)
  }

  func encode(to container: inout KeyedEncodingContainer<MemberName>) throws {
    try container.encode(Hex.string(publicKey), forKey: "public_key")
    try container.encode(seq, forKey: "seq")
    try container.encode(Hex.string(signature), forKey: "signature")
  }
}
