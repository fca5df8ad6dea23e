package import Signatures

/// The treatment of other nodes according to the proof of their identity.
package enum IdentityMode: String, Hashable, Sendable, CaseIterable {
  /// Contacts that have proven their identity take precedence over others. Other implementations take part.
  case prefer
  /// Only nodes that have proven their identity become contacts and take part in operations.
  case require
  /// No node is asked for a proof, but this node still gives proofs.
  case off
}

/// A random number for one query. A proof of identity that contains it was made now, and for this query.
package struct Nonce: Hashable, Sendable {
  /// The length of a nonce in bytes.
  package static let byteCount = 16

  /// The bytes in big-endian order: `high` has the first eight.
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(random: inout some RandomNumberGenerator) {
    self.init(high: random.next(), low: random.next())
  }
}

/// A proof that a node has the key whose SHA-1 hash is its ID.
package struct IdentityProof: Hashable, Sendable {
  /// The public key.
  package let owner: PublicKey
  /// The owner's signature of `text`.
  package let signature: Signature

  package init(owner: PublicKey, signature: Signature) {
    self.owner = owner
    self.signature = signature
  }

  /// Makes the text to sign. It begins with a prefix of its own, so that no signature of a record passes for
  /// a proof. The asker's nonce and both IDs follow, and then the asker's address as the signer sees it.
  /// Because of the address, a node between two others cannot pass on the proof of one of them as its own.
  static func text(_ nonce: Nonce, from asker: Peer, by answerer: NodeID) -> [UInt8] {
    var text = Array("dhtd identity proof 1\0".utf8)
    for word in [nonce.high, nonce.low] { text.append(bigEndian: word) }
    text.append(asker.id)
    text.append(answerer)
    switch asker.endpoint.address {
    case .v4(let bits):
      text.append(4)
      text.append(bigEndian: bits)
    case .v6(let high, let low):
      text.append(6)
      text.append(bigEndian: high)
      text.append(bigEndian: low)
    }
    text.append(bigEndian: asker.endpoint.port)
    return text
  }

  /// Makes a proof; nil if it cannot be signed.
  init?(_ key: SigningKey, _ nonce: Nonce, for asker: Peer, by id: NodeID) {
    guard let signature = key.signature(of: Self.text(nonce, from: asker, by: id)) else { return nil }
    self.init(owner: key.publicKey, signature: signature)
  }

  /// Returns whether the proof is valid for a node, a nonce and an asker.
  func isRight(of id: NodeID, _ nonce: Nonce, for asker: Peer) -> Bool {
    NodeID(sha1Of: owner.bytes) == id
      && owner.hasSigned(Self.text(nonce, from: asker, by: id), with: signature)
  }
}

/// The part of an answer that is about the identities of the sender and the asker.
///
/// The enumeration is indirect because answers are moved about, and few have credentials.
package indirect enum Credentials: Hashable, Sendable {
  /// The sender's proof, in an answer to a ping with a nonce, and the asker's address as the sender sees it
  /// (BEP 42, `ip`).
  case proof(IdentityProof, seen: Endpoint)
  /// The asker's address alone: nodes whose IDs depend on it learn it from such answers (BEP 42).
  case seen(Endpoint)
}

extension [UInt8] {
  fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
    // The bytes are copied before the closure returns.
    unsafe Swift.withUnsafeBytes(of: number.bigEndian) { unsafe self += $0 }
  }

  fileprivate mutating func append(_ id: NodeID) {
    append(bigEndian: id.high)
    append(bigEndian: id.middle)
    append(bigEndian: id.low)
  }
}
