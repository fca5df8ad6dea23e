/// The keys of a private network in one of its nodes. The first encrypts, and all of them decrypt.
///
/// A key is rotated without an interruption: add the new key at every node, use it at every node, then
/// remove the old one. A keyring has at least one key, and the encrypting key cannot be removed.
package struct Keyring: Hashable, Sendable {
  /// 8, because a datagram of another network is tried with each key.
  package static let maxKeys = 8
  /// The default name.
  package static let defaultNetwork = "dhtd"

  /// The network's name. It is part of every derived key, so that networks with different names cannot read
  /// each other's datagrams, even with the same keys.
  package let network: String
  /// The keys without duplicates, the encrypting key first.
  package private(set) var keys: [NetworkKey]

  /// - Throws: `KeyringError` if there is no key, a duplicate, or more than `maxKeys`.
  package init(network: String, keys: [NetworkKey]) throws(KeyringError) {
    guard !keys.isEmpty else { throw .noKeys }
    self.network = network
    self.keys = []
    for key in keys { try add(key) }
  }

  /// The key that encrypts.
  package var sealing: NetworkKey { keys[0] }

  /// Adds a key that decrypts, behind the others.
  package mutating func add(_ key: NetworkKey) throws(KeyringError) {
    guard !keys.contains(key) else { throw .keyExists(key.fingerprint) }
    guard keys.count < Self.maxKeys else { throw .tooMany }
    keys.append(key)
  }

  /// Encrypts with a key from now on.
  ///
  /// - Returns: the key.
  @discardableResult
  package mutating func use(_ fingerprint: String) throws(KeyringError) -> NetworkKey {
    let key = keys.remove(at: try index(of: fingerprint))
    keys.insert(key, at: 0)
    return key
  }

  /// Removes a key. Datagrams that are encrypted with it are no longer accepted.
  ///
  /// - Returns: the key.
  @discardableResult
  package mutating func remove(_ fingerprint: String) throws(KeyringError) -> NetworkKey {
    let index = try index(of: fingerprint)
    guard keys.count > 1 else { throw .lastKey(keys[index].fingerprint) }
    guard index > 0 else { throw .sealingKey(keys[index].fingerprint) }
    return keys.remove(at: index)
  }

  private func index(of fingerprint: String) throws(KeyringError) -> Int {
    guard let index = keys.firstIndex(where: { $0.fingerprint == fingerprint }) else {
      throw .unknown(keys.map(\.fingerprint))
    }
    return index
  }
}

/// The reason why a keyring cannot be made or changed.
package enum KeyringError: Error, Hashable, Sendable {
  /// There is no key.
  case noKeys
  /// The keyring has the key with this fingerprint already.
  case keyExists(String)
  /// The keyring has `Keyring.maxKeys` keys.
  case tooMany
  /// No key has the given fingerprint. These are the existing ones.
  case unknown([String])
  /// The key with this fingerprint encrypts, and there are others.
  case sealingKey(String)
  /// The key with this fingerprint is the only one.
  case lastKey(String)
}

extension KeyringError: CustomStringConvertible {
  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .noKeys:
      "the file has no key; 'dhtd --generate-key' makes one"
    case .keyExists(let fingerprint):
      "the keyring already has the key \(fingerprint)"
    case .tooMany:
      "the keyring already has \(Keyring.maxKeys) keys, the maximum; remove one that no node seals with"
    case .unknown(let known):
      "no key has this fingerprint; the keys are \(known.joined(separator: ", "))"
    case .sealingKey(let fingerprint):
      "the key \(fingerprint) seals the datagrams of this node; use another key before you remove this one"
    case .lastKey(let fingerprint):
      "the key \(fingerprint) is the only one, and without a key the network would be open; add another key and "
        + "use that first"
    }
  }
}
