package import Kademlia
package import Signatures

/// The Ed25519 key of a node. The node ID is the SHA-1 of the public key, so that the node can prove its ID.
package struct NodeKey: Sendable {
  /// The file in the state directory: the 32 bytes of the private key, mode 0600.
  package static let fileName = "identity.key"

  /// Signs the identity proofs.
  package let key: SigningKey

  /// The SHA-1 of the public key.
  package var id: NodeID { NodeID(sha1Of: key.publicKey.bytes) }

  /// Reads the key from a state directory, or makes one at the first start.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(in directory: StateDirectory) throws(StateDirectoryError) {
    let path = directory.path + "/" + Self.fileName
    guard let key = try SigningKey.load(Self.fileName, of: directory, orElse: .damagedIdentity(path: path))
    else {
      throw .unusable(path: path, reason: "cannot create a key")
    }
    self.key = key
  }
}

/// The key that signs this node's records. It is not the node's own key, so that a record can never pass for
/// an identity proof, or the other way around.
package enum RecordKey {
  /// The file in the state directory: the 32 bytes of the seed, mode 0600.
  package static let fileName = "record.key"

  /// Reads the key from a state directory, or makes one at the first start.
  ///
  /// - Throws: `StateDirectoryError`.
  package static func load(from directory: StateDirectory) throws(StateDirectoryError) -> SigningKey {
    let path = directory.path + "/" + fileName
    guard let key = try SigningKey.load(fileName, of: directory, orElse: .damagedRecordKey(path: path)) else {
      throw .unusable(path: path, reason: "cannot create a key")
    }
    return key
  }
}

extension SigningKey {
  /// The key in a file. A missing file is created.
  ///
  /// - Returns: nil if no key can be created.
  /// - Throws: `StateDirectoryError`; `damage` for a file without a valid key.
  fileprivate static func load(
    _ name: String, of directory: StateDirectory, orElse damage: StateDirectoryError
  ) throws(StateDirectoryError) -> SigningKey? {
    // One byte more than a key has, so that a longer file is detected.
    if let bytes = try directory.read(name, limit: seedByteCount + 1) {
      guard let key = SigningKey(seed: bytes) else { throw damage }
      return key
    }
    guard let key = random() else { return nil }
    try directory.write(key.seed, to: name)
    return key
  }
}
