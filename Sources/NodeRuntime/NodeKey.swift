import Crypto
import Kademlia

/// The Ed25519 key that a node is known by. Its ID is the SHA-1 of the public half, so that it can
/// be proved later.
package struct NodeKey: Sendable {
  /// The file in the state directory: the 32 bytes of the private key, mode 0600.
  package static let fileName = "identity.key"

  private let key: Curve25519.Signing.PrivateKey

  /// The SHA-1 of the public key.
  package var id: NodeID { NodeID(sha1Of: Array(key.publicKey.rawRepresentation)) }

  /// Reads the key of a state directory, or makes one at the first start.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(in directory: StateDirectory) throws(StateDirectoryError) {
    // One byte more than a key has, so that a longer file is seen to be none.
    if let bytes = try directory.read(Self.fileName, limit: 33) {
      guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes) else {
        throw .damagedIdentity(path: directory.path + "/" + Self.fileName)
      }
      self.key = key
    } else {
      key = Curve25519.Signing.PrivateKey()
      try directory.write(Array(key.rawRepresentation), to: Self.fileName)
    }
  }
}
