import ControlProtocol
import Logging
import NodeRuntime
import Sealing

/// Carries out what clients ask for with the keys of a private network.
///
/// A change is written to the key file and then in force at once. Where the file cannot be written it is in
/// force all the same, for a rotation must not wait for a restart, and the answer says what is left to do.
final class KeyringService {
  typealias Answer = Result<ControlResult, ControlError>

  private let driver: NodeDriver
  private let source: KeySource?
  private let logger: Logger
  /// Whether a change is in force that could not be written: the file is known to have other keys then.
  private var hasUnsaved = false

  init(_ driver: NodeDriver, _ source: KeySource?, _ logger: Logger) {
    self.driver = driver
    self.source = source
    self.logger = logger
  }

  func list() -> Answer {
    guard let keyring = driver.keyring, let source else { return .failure(.openNetwork) }
    return .success(.keyring(KeyringResult(keyring, source)))
  }

  func add(_ params: KeyringAddParams) -> Answer {
    // What is wrong is not repeated: it may be most of a key.
    guard let key = NetworkKey(base64: params.networkKey) else {
      return .failure(
        .invalidParam(
          "network_key", "this is no key; a key is 32 bytes in base64, as 'dhtd --generate-key' prints it"))
    }
    return change("the key \(key) opens now") { (keyring) throws(KeyringError) in try keyring.add(key) }
  }

  func use(_ fingerprint: String) -> Answer {
    change("the key \(fingerprint) seals now") { (keyring) throws(KeyringError) in
      try keyring.use(fingerprint)
    }
  }

  func remove(_ fingerprint: String) -> Answer {
    change("the key \(fingerprint) is removed") { (keyring) throws(KeyringError) in
      try keyring.remove(fingerprint)
    }
  }

  private func change(_ news: String, _ body: (inout Keyring) throws(KeyringError) -> Void) -> Answer {
    guard var keyring = driver.keyring, let source else { return .failure(.openNetwork) }
    // What somebody has written into the file and nobody has had read yet would be gone.
    if let inFile = try? source.keyring(network: keyring.network), inFile.keys != keyring.keys,
      !source.isCredential, !hasUnsaved
    {
      return .failure(.otherKeysInFile(source.path))
    }
    do throws(KeyringError) {
      try body(&keyring)
    } catch {
      return .failure(ControlError(error))
    }
    var result = KeyringResult(keyring, source)
    do throws(KeySourceError) {
      // The file first: what is in force and not in it would be gone after a crash.
      try source.write(keyring.keys)
    } catch {
      result.saved = false
      hasUnsaved = true
      result.note = error.note(source)
      logger.warning("the change of the keyring is not saved: \(error)")
    }
    driver.adopt(keyring)
    logger.notice("keyring: \(news)", metadata: ["sealing_key": "\(keyring.sealing)"])
    return .success(.keyring(result))
  }
}

extension KeySourceError {
  /// What is left to do where a change could not be written.
  fileprivate func note(_ source: KeySource) -> String {
    source.isCredential
      ? "it is in force until the node stops: \(self); change what the credential is made from in the same way"
      : "it is in force until the node stops or is reloaded: \(self); change the file in the same way"
  }
}

extension KeyringResult {
  fileprivate init(_ keyring: Keyring, _ source: KeySource) {
    self.init(
      network: keyring.network,
      keys: keyring.keys.map { KeyInRing(fingerprint: $0.fingerprint, seals: $0 == keyring.sealing) },
      path: source.path)
  }
}

extension ControlError {
  fileprivate static let openNetwork = ControlError(
    .methodNotFound,
    "this node is in an open network, without keys; set network.keys to a file with one and restart it",
    reason: "open_network")

  fileprivate static func otherKeysInFile(_ path: String) -> ControlError {
    ControlError(
      .conflict,
      "\(path) has other keys than the node, which this would overwrite; reload the node to take them over "
        + "('systemctl reload dhtd@PORT', or SIGHUP), and look at 'dhtctl keyring list'",
      reason: "other_keys_in_file")
  }

  /// Who may use a node may not say who else is let in.
  static let notYours = ControlError(
    .invalidRequest, "only root and the user that the node runs as may change its keys; try it with sudo",
    reason: "not_permitted")

  fileprivate init(_ error: KeyringError) {
    let (param, reason) =
      switch error {
      case .noKeys: ("network_key", "no_keys")
      case .alreadyThere: ("network_key", "key_exists")
      case .tooMany: ("network_key", "too_many_keys")
      case .unknown: ("fingerprint", "unknown_key")
      case .sealingKey, .lastKey: ("fingerprint", "key_in_use")
      }
    self.init(.invalidParams, "\(error)", reason: reason, param: param)
  }
}
