/// The kinds of records, as `kind` names them.
package enum RecordKindName: String, Codable, CaseIterable, Hashable, Sendable {
  /// Under a key; anyone may write it.
  case plain
  /// Under the hash of its value.
  case immutable
  /// Under a public key and a name (its salt); only the owner of that key may write it.
  case signed
}

/// A signature that was made by the client, and what it rests on besides the value and the name.
package struct SignatureParams: Hashable, Sendable {
  /// The bytes of a public key and of a signature (Ed25519).
  static let publicKeyBytes = 32
  static let signatureBytes = 64

  /// The owner's Ed25519 key, 32 bytes; hexadecimal on the wire.
  package var publicKey: [UInt8]
  /// The version that is signed, 0 or more.
  package var seq: Int64
  /// 64 bytes; hexadecimal on the wire.
  package var signature: [UInt8]

  /// A signature that is there already.
  package init(publicKey: [UInt8], seq: Int64, signature: [UInt8]) {
    self.publicKey = publicKey
    self.seq = seq
    self.signature = signature
  }

  /// All three members, or none.
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
