import ControlProtocol
import NodeRuntime

/// Carries out the requests that concern the keys of a private network.
struct KeyringService {
  typealias Answer = Result<ControlResult, ControlError>

  /// Changes the keys; nil in an open network.
  private let editor: KeyringEditor?

  init(_ editor: KeyringEditor?) {
    self.editor = editor
  }

  func list() -> Answer {
    guard let snapshot = editor?.snapshot else { return .failure(.openNetwork) }
    return .success(.keyring(KeyringResult(snapshot)))
  }

  func add(_ params: KeyringAddParams) -> Answer {
    guard KeyringEditor.isKey(params.networkKey) else { return .failure(ControlError(.invalidKey)) }
    return change { (editor) throws(KeyringEditError) in try editor.add(base64: params.networkKey) }
  }

  func use(_ fingerprint: String) -> Answer {
    change { (editor) throws(KeyringEditError) in try editor.use(fingerprint) }
  }

  func remove(_ fingerprint: String) -> Answer {
    change { (editor) throws(KeyringEditError) in try editor.remove(fingerprint) }
  }

  private func change(
    _ body: (KeyringEditor) throws(KeyringEditError) -> KeyringSnapshot
  ) -> Answer {
    guard let editor else { return .failure(.openNetwork) }
    do throws(KeyringEditError) {
      return .success(.keyring(KeyringResult(try body(editor))))
    } catch {
      return .failure(ControlError(error))
    }
  }
}

extension KeyringResult {
  fileprivate init(_ snapshot: KeyringSnapshot) {
    self.init(
      network: snapshot.network,
      keys: snapshot.keys.map { KeyInRing(fingerprint: $0.fingerprint, seals: $0.isSealing) },
      path: snapshot.path, saved: snapshot.isSaved, note: snapshot.note)
  }
}

extension ControlError {
  fileprivate static let openNetwork = ControlError(
    .methodNotFound,
    "this node is in an open network, without keys; set network.keys to a file with one and restart it",
    reason: "open_network")

  /// Other users of the node may not decide who is admitted to the network.
  static let notPermitted = ControlError(
    .invalidRequest, "only root and the user that the node runs as may change its keys; try it with sudo",
    reason: "not_permitted")

  fileprivate init(_ error: KeyringEditError) {
    switch error {
    case .openNetwork: self = .openNetwork
    case .invalidKey:
      // The text is not repeated, because it may be most of a key.
      self = .invalidParam(
        "network_key", "invalid key; a key is 32 bytes in base64, as 'dhtd --generate-key' prints it")
    case .otherKeysInFile(let path):
      self.init(
        .conflict,
        "\(path) does not hold the node's current keys, and this change would overwrite it; reload the node to use the file's keys "
          + "('systemctl reload dhtd@PORT', or SIGHUP), and look at 'dhtctl keyring list'",
        reason: "other_keys_in_file")
    case .refused(let reason, let description):
      let (param, word) = reason.words
      self.init(.invalidParams, description, reason: word, param: param)
    }
  }
}

extension KeyringEditError.Reason {
  /// The wrong parameter, and the reason as the control socket names it.
  fileprivate var words: (param: String, reason: String) {
    switch self {
    case .noKeys: ("network_key", "no_keys")
    case .keyExists: ("network_key", "key_exists")
    case .tooManyKeys: ("network_key", "too_many_keys")
    case .unknownKey: ("fingerprint", "unknown_key")
    case .keyInUse: ("fingerprint", "key_in_use")
    }
  }
}
