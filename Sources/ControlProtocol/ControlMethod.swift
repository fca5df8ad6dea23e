/// What a client can ask of the daemon; the raw value is the name on the wire.
package enum ControlMethod: String, CaseIterable, Hashable, Sendable {
  /// Those of the contract; `ControlRequest` says what each does.
  case put, get, delete, status, peers, keys, lookup, ping, bootstrap

  /// The names of the parameters that the method takes; any other is refused.
  package var params: [String] {
    switch self {
    case .put:
      [
        "kind", "key", "key_base64", "value", "value_base64", "value_bencoded_base64", "ttl", "if_seq",
        "public_key", "seq", "signature",
      ]
    case .get: ["kind", "key", "key_base64", "target", "public_key", "max_age", "trace"]
    case .delete: ["kind", "key", "key_base64"]
    case .status, .peers: []
    case .keys: ["prefix", "prefix_base64", "limit", "cursor"]
    case .lookup: ["target", "key", "key_base64"]
    case .ping: ["address"]
    case .bootstrap: ["addresses"]
    }
  }
}
