import Signatures

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
    // One byte more than a key has, so that a longer file is seen to be none.
    if let bytes = try directory.read(fileName, limit: SigningKey.seedByteCount + 1) {
      guard let key = SigningKey(seed: bytes) else { throw .damagedRecordKey(path: path) }
      return key
    }
    guard let key = SigningKey.random() else { throw .unusable(path: path, reason: "no key could be made") }
    try directory.write(key.seed, to: fileName)
    return key
  }
}
