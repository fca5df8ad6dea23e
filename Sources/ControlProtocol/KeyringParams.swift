/// The parameters of `keyring_add`.
package struct KeyringAddParams: Hashable, Sendable {
  /// The key in base64, as in a key file. It is never shown or logged.
  package var networkKey: String

  /// A key to add.
  package init(networkKey: String) { self.networkKey = networkKey }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("network_key") else { throw .missingParam("network_key") }
    networkKey = text
  }
}

/// The parameters of `keyring_use` and `keyring_remove`.
package struct KeyringParams: Hashable, Sendable {
  /// The fingerprint of the key, as `keyring_list` shows it.
  package var fingerprint: String

  /// A change of the key with this fingerprint.
  package init(fingerprint: String) { self.fingerprint = fingerprint }

  init(_ reader: ParamReader) throws(ControlError) {
    guard let text = try reader.optionalString("fingerprint") else { throw .missingParam("fingerprint") }
    fingerprint = text
  }
}
