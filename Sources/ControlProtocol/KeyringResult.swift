/// The result of the keyring methods: the keyring after the request.
package struct KeyringResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case network, keys, path, saved, note
  }

  /// The name of the private network.
  package var network: String
  /// The keys by fingerprint, the encrypting one first.
  package var keys: [KeyInRing]
  /// The file with the keys.
  package var path: String
  /// True if the file has these keys, so that they are used after the next start. They are in force in any
  /// case.
  package var saved: Bool
  /// The remaining steps if the keys were not saved, on one line.
  package var note: String?

  /// A keyring.
  package init(network: String, keys: [KeyInRing], path: String, saved: Bool = true, note: String? = nil) {
    self.network = network
    self.keys = keys
    self.path = path
    self.saved = saved
    self.note = note
  }
}

/// A key of the keyring. The key itself is never shown.
package struct KeyInRing: Codable, Hashable, Sendable {
  /// 12 hexadecimal digits, the same on every node.
  package var fingerprint: String
  /// True if this key encrypts. All keys decrypt.
  package var seals: Bool

  /// A key of the keyring.
  package init(fingerprint: String, seals: Bool) {
    self.fingerprint = fingerprint
    self.seals = seals
  }
}
