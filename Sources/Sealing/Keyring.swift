/// The keys of a private network as one of its nodes has them: the first seals, all of them open.
///
/// So a key is changed without a stop: it is added at every node, then used at every node, and then the
/// old one is removed. There is always one at least, and the one that seals cannot be removed.
package struct Keyring: Hashable, Sendable {
  /// 8: a datagram that is not for us is tried with each of them.
  package static let maxKeys = 8
  /// The name where nobody has given another.
  package static let defaultNetwork = "dhtd"

  /// The network's name. It is part of every key that is derived, so that two networks of other names
  /// never understand each other, even where they have the same keys.
  package let network: String
  /// The keys, the one that seals first; each is there once.
  package private(set) var keys: [NetworkKey]

  /// - Throws: `KeyringError`: there must be one key at least, each once, and `maxKeys` at most.
  package init(network: String, keys: [NetworkKey]) throws(KeyringError) {
    guard !keys.isEmpty else { throw .noKeys }
    self.network = network
    self.keys = []
    for key in keys { try add(key) }
  }

  /// The key that seals.
  package var sealing: NetworkKey { keys[0] }

  /// Adds a key that opens, behind the others.
  package mutating func add(_ key: NetworkKey) throws(KeyringError) {
    guard !keys.contains(key) else { throw .alreadyThere(key.fingerprint) }
    guard keys.count < Self.maxKeys else { throw .tooMany }
    keys.append(key)
  }

  /// Has a key seal from now on.
  ///
  /// - Returns: the key.
  @discardableResult
  package mutating func use(_ fingerprint: String) throws(KeyringError) -> NetworkKey {
    let key = keys.remove(at: try index(of: fingerprint))
    keys.insert(key, at: 0)
    return key
  }

  /// Removes a key: nothing that it seals is opened any more.
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

/// Why a keyring is not as it is asked to be.
package enum KeyringError: Error, Hashable, Sendable {
  /// There is no key at all.
  case noKeys
  /// The key with this fingerprint is in it.
  case alreadyThere(String)
  /// There are `Keyring.maxKeys`.
  case tooMany
  /// No key has the fingerprint that was named; these are there.
  case unknown([String])
  /// The key with this fingerprint seals, and there are others.
  case sealingKey(String)
  /// The key with this fingerprint is the only one.
  case lastKey(String)
}

extension KeyringError: CustomStringConvertible {
  /// One line for a person, with what to do next.
  package var description: String {
    switch self {
    case .noKeys:
      "there is no key in it; 'dhtd --generate-key' makes one"
    case .alreadyThere(let fingerprint):
      "the key \(fingerprint) is there already"
    case .tooMany:
      "there are \(Keyring.maxKeys) keys, which is the most; remove one that no node seals with any more"
    case .unknown(let known):
      "there is no key with that fingerprint; there are \(known.joined(separator: ", "))"
    case .sealingKey(let fingerprint):
      "the key \(fingerprint) seals what this node sends; have it use another before you remove this one"
    case .lastKey(let fingerprint):
      "the key \(fingerprint) is the only one, and without a key the network would be open; add another and "
        + "use that first"
    }
  }
}
