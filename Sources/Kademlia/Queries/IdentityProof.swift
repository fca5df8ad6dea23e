package import Signatures

/// How a node goes about the identities of others.
package enum IdentityMode: String, Hashable, Sendable, CaseIterable {
  /// Contacts that have proven theirs go before those that have not: nodes of another make take part.
  case prefer
  /// Only nodes that have proven theirs are contacts, or have a part in what people do.
  case require
  /// Nobody is asked, and proofs are given all the same.
  case off
}

/// A random number that a proof of identity answers: it was made now, and for one query.
package struct Nonce: Hashable, Sendable {
  /// The bytes of a nonce.
  package static let byteCount = 16

  /// The bytes, the first of them on top.
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

/// Shows that a node has the key that its ID is the SHA-1 of.
package struct IdentityProof: Hashable, Sendable {
  /// The public key.
  package let owner: PublicKey
  /// Its signature of `text`.
  package let signature: Signature

  package init(owner: PublicKey, signature: Signature) {
    self.owner = owner
    self.signature = signature
  }

  /// What is signed: a domain of its own, for which no record's signature can pass; the asker's nonce; both IDs;
  /// and the asker's address as the signer sees it, so that nobody who stands between two others can hand on
  /// a proof of one as its own.
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

  /// A proof; nil if it cannot be signed.
  init?(_ key: SigningKey, _ nonce: Nonce, for asker: Peer, by id: NodeID) {
    guard let signature = key.signature(of: Self.text(nonce, from: asker, by: id)) else { return nil }
    self.init(owner: key.publicKey, signature: signature)
  }

  /// Whether it is that of a node, made for an asker.
  func isRight(of id: NodeID, _ nonce: Nonce, for asker: Peer) -> Bool {
    NodeID(sha1Of: owner.bytes) == id
      && owner.hasSigned(Self.text(nonce, from: asker, by: id), with: signature)
  }
}

/// What an answer to a ping with a nonce says besides: who answers, and how it sees the asker (BEP 42, `ip`).
///
/// Behind a reference: answers are moved about, and few have it.
package indirect enum Credentials: Hashable, Sendable {
  case proof(IdentityProof, seen: Endpoint)
}

extension [UInt8] {
  fileprivate mutating func append<Number: FixedWidthInteger>(bigEndian number: Number) {
    Swift.withUnsafeBytes(of: number.bigEndian) { self += $0 }
  }

  fileprivate mutating func append(_ id: NodeID) {
    append(bigEndian: id.high)
    append(bigEndian: id.middle)
    append(bigEndian: id.low)
  }
}
