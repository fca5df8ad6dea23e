package import Kademlia
package import Signatures

/// The Ed25519 key that a node is known by. Its ID is the SHA-1 of the public half, so that it can
/// prove it.
package struct NodeKey: Sendable {
  /// The file in the state directory: the 32 bytes of the private key, mode 0600.
  package static let fileName = "identity.key"

  /// Signs the proofs.
  package let key: SigningKey

  /// The SHA-1 of the public key.
  package var id: NodeID { NodeID(sha1Of: key.publicKey.bytes) }

  /// Reads the key of a state directory, or makes one at the first start.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(in directory: StateDirectory) throws(StateDirectoryError) {
    let path = directory.path + "/" + Self.fileName
    guard let key = try SigningKey.load(Self.fileName, of: directory, orElse: .damagedIdentity(path: path))
    else {
      throw .unusable(path: path, reason: "no key could be made")
    }
    self.key = key
  }
}

/// The key that signs this node's records: another than the one it is known by, so that neither a record nor
/// a proof of identity can pass for the other.
package enum RecordKey {
  /// The file in the state directory: the 32 bytes of the seed, mode 0600.
  package static let fileName = "record.key"

  /// Reads the key of a state directory, or makes one at the first start.
  ///
  /// - Throws: `StateDirectoryError`.
  package static func load(from directory: StateDirectory) throws(StateDirectoryError) -> SigningKey {
    let path = directory.path + "/" + fileName
    guard let key = try SigningKey.load(fileName, of: directory, orElse: .damagedRecordKey(path: path)) else {
      throw .unusable(path: path, reason: "no key could be made")
    }
    return key
  }
}

extension SigningKey {
  /// The key in a file, which is made if it is not there.
  ///
  /// - Returns: nil where no key can be made.
  /// - Throws: `StateDirectoryError`; `damage` for a file that holds none.
  fileprivate static func load(
    _ name: String, of directory: StateDirectory, orElse damage: StateDirectoryError
  ) throws(StateDirectoryError) -> SigningKey? {
    // One byte more than a key has, so that a longer file is seen to be none.
    if let bytes = try directory.read(name, limit: seedByteCount + 1) {
      guard let key = SigningKey(seed: bytes) else { throw damage }
      return key
    }
    guard let key = random() else { return nil }
    try directory.write(key.seed, to: name)
    return key
  }
}
