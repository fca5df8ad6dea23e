/// The methods of the control socket. The raw value is the name on the wire.
package enum ControlMethod: String, CaseIterable, Hashable, Sendable {
  /// The methods; `ControlRequest` describes each.
  case put, get, delete, status, peers, keys, lookup, ping, bootstrap, forget
  case keyringList = "keyring_list"
  case keyringAdd = "keyring_add"
  case keyringUse = "keyring_use"
  case keyringRemove = "keyring_remove"

  /// The names of the method's parameters. Others are rejected.
  package var params: [String] {
    switch self {
    case .put:
      [
        "kind", "key", "key_base64", "value", "value_base64", "value_bencoded_base64", "ttl", "if_seq",
        "public_key", "seq", "signature", "min_copies",
      ]
    case .get: ["kind", "key", "key_base64", "target", "public_key", "max_age", "trace", "strict"]
    case .delete: ["kind", "key", "key_base64"]
    case .status, .peers: []
    case .keys: ["prefix", "prefix_base64", "limit", "cursor"]
    case .lookup: ["target", "key", "key_base64"]
    case .ping: ["address"]
    case .bootstrap: ["addresses"]
    case .forget: ["node_id", "unreachable"]
    case .keyringList: []
    case .keyringAdd: ["network_key"]
    case .keyringUse, .keyringRemove: ["fingerprint"]
    }
  }
}
