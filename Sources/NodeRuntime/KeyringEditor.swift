package import Logging
import Sealing

/// Changes the keys of a private network while its node runs.
///
/// A change is written to the key file and takes effect at once. It also takes effect if the file cannot be
/// written, because a rotation must not wait for a restart. The snapshot then says what is left to do.
package final class KeyringEditor {
  private let driver: NodeDriver
  private let source: KeySource
  private let logger: Logger
  /// True if a change in force could not be written. The file is then known to have other keys.
  private var hasUnsaved = false

  /// - Parameter source: the file or credential with the keys.
  /// - Returns: nil in an open network.
  package init?(_ driver: NodeDriver, _ source: KeySource?, _ logger: Logger) {
    guard let source, driver.keyring != nil else { return nil }
    self.driver = driver
    self.source = source
    self.logger = logger
  }

  /// The keys in force; nil in an open network.
  package var snapshot: KeyringSnapshot? { driver.keyring.map { KeyringSnapshot($0, source) } }

  /// Returns whether a text is a key in the format of `dhtd --generate-key`.
  package static func isKey(_ base64: String) -> Bool { NetworkKey(base64: base64) != nil }

  /// Adds a key, which decrypts from now on.
  ///
  /// - Parameter base64: the key in the format of `dhtd --generate-key`.
  package func add(base64: String) throws(KeyringEditError) -> KeyringSnapshot {
    guard let key = NetworkKey(base64: base64) else { throw .invalidKey }
    return try change("the key \(key) opens now") { (keyring) throws(KeyringError) in try keyring.add(key) }
  }

  /// Encrypts with another of the keys from now on.
  package func use(_ fingerprint: String) throws(KeyringEditError) -> KeyringSnapshot {
    try change("the key \(fingerprint) seals now") { (keyring) throws(KeyringError) in
      try keyring.use(fingerprint)
    }
  }

  /// Removes a key that does not encrypt.
  package func remove(_ fingerprint: String) throws(KeyringEditError) -> KeyringSnapshot {
    try change("the key \(fingerprint) is removed") { (keyring) throws(KeyringError) in
      try keyring.remove(fingerprint)
    }
  }

  private func change(
    _ message: String, _ body: (inout Keyring) throws(KeyringError) -> Void
  ) throws(KeyringEditError) -> KeyringSnapshot {
    guard var keyring = driver.keyring else { throw .openNetwork }
    // The file may have keys that the node has not read yet. They must not be overwritten.
    if let inFile = try? source.keyring(network: keyring.network), inFile.keys != keyring.keys,
      !source.isCredential, !hasUnsaved
    {
      throw .otherKeysInFile(path: source.path)
    }
    do throws(KeyringError) {
      try body(&keyring)
    } catch {
      throw .refused(KeyringEditError.Reason(error), description: "\(error)")
    }
    var snapshot = KeyringSnapshot(keyring, source)
    do throws(KeySourceError) {
      // The file is written first. A change in force that is not in the file would be lost in a crash.
      try source.write(keyring.keys)
    } catch {
      snapshot.isSaved = false
      hasUnsaved = true
      snapshot.note = error.note(source)
      logger.warning("cannot save the change of the keyring: \(error)")
    }
    driver.adopt(keyring)
    logger.notice("keyring: \(message)", metadata: .fields([.sealingKey: "\(keyring.sealing)"]))
    return snapshot
  }
}

/// The keys of a private network, without their secrets.
package struct KeyringSnapshot: Sendable {
  /// The name of the network.
  package let network: String
  /// The keys, in their order.
  package let keys: [(fingerprint: String, isSealing: Bool)]
  /// The file or credential with the keys.
  package let path: String
  /// True if a change was written.
  package fileprivate(set) var isSaved = true
  /// The remaining steps if it was not.
  package fileprivate(set) var note: String?

  fileprivate init(_ keyring: Keyring, _ source: KeySource) {
    network = keyring.network
    keys = keyring.keys.map { ($0.fingerprint, $0 == keyring.sealing) }
    path = source.path
  }
}

/// The reason why the keys of a network were not changed.
package enum KeyringEditError: Error, Hashable, Sendable {
  /// The reason why a change does not fit the current keys.
  package enum Reason: Hashable, Sendable {
    case noKeys, keyExists, tooManyKeys, unknownKey, keyInUse
  }

  /// The network is open.
  case openNetwork
  /// The text is not a valid key.
  case invalidKey
  /// The file has other keys than the node, which the change would overwrite.
  case otherKeysInFile(path: String)
  /// The change does not fit the current keys. The description says what to do.
  case refused(Reason, description: String)
}

extension KeyringEditError.Reason {
  fileprivate init(_ error: KeyringError) {
    switch error {
    case .noKeys: self = .noKeys
    case .keyExists: self = .keyExists
    case .tooMany: self = .tooManyKeys
    case .unknown: self = .unknownKey
    case .sealingKey, .lastKey: self = .keyInUse
    }
  }
}

extension KeySourceError {
  /// The steps that are left if a change could not be written.
  fileprivate func note(_ source: KeySource) -> String {
    source.isCredential
      ? "it is in force until the node stops: \(self); change what the credential is made from in the same way"
      : "it is in force until the node stops or is reloaded: \(self); change the file in the same way"
  }
}
