/// What the methods of the keyring give back: how it is now.
package struct KeyringResult: Codable, Hashable, Sendable {
  private enum CodingKeys: String, CodingKey {
    case network, keys, path, saved, note
  }

  /// The name of the private network.
  package var network: String
  /// The keys by their fingerprints, the one that seals first.
  package var keys: [KeyInRing]
  /// The file that the keys come from.
  package var path: String
  /// Whether the file has them too, so that the next start finds them there. They are in force in any case.
  package var saved: Bool
  /// Where it has not: what to do, on one line.
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

/// A key of the ring; the key itself is told to nobody.
package struct KeyInRing: Codable, Hashable, Sendable {
  /// 12 hexadecimal digits, the same on every node.
  package var fingerprint: String
  /// Whether it seals what this node sends. All of them open.
  package var seals: Bool

  /// A key of the ring.
  package init(fingerprint: String, seals: Bool) {
    self.fingerprint = fingerprint
    self.seals = seals
  }
}
