/// A request: a method and its parameters.
package enum ControlRequest: Hashable, Sendable {
  /// Store a value under a key.
  case put(PutParams)
  /// Read the value of a key.
  case get(GetParams)
  /// Write a tombstone over a key.
  case delete(DeleteParams)
  /// Show the state of the node and its counters.
  case status
  /// List the contacts of the routing table.
  case peers
  /// List the keys held here, a page at a time.
  case keys(KeysParams)
  /// Find the K nodes closest to a point.
  case lookup(LookupParams)
  /// Check that a node answers.
  case ping(PingParams)
  /// Join through other nodes.
  case bootstrap(BootstrapParams)
  /// Forget silent nodes that are gone for good.
  case forget(ForgetParams)
  /// Show the keys of the private network by their fingerprints.
  case keyringList
  /// Add a key, which decrypts.
  case keyringAdd(KeyringAddParams)
  /// Encrypt with another key of the keyring.
  case keyringUse(KeyringParams)
  /// Remove a key that does not encrypt.
  case keyringRemove(KeyringParams)

  /// The method that the request calls.
  package var method: ControlMethod {
    switch self {
    case .put: .put
    case .get: .get
    case .delete: .delete
    case .status: .status
    case .peers: .peers
    case .keys: .keys
    case .lookup: .lookup
    case .ping: .ping
    case .bootstrap: .bootstrap
    case .forget: .forget
    case .keyringList: .keyringList
    case .keyringAdd: .keyringAdd
    case .keyringUse: .keyringUse
    case .keyringRemove: .keyringRemove
    }
  }

  init(_ method: ControlMethod, _ reader: ParamReader) throws(ControlError) {
    self =
      switch method {
      case .put: .put(try PutParams(reader))
      case .get: .get(try GetParams(reader))
      case .delete: .delete(try DeleteParams(reader))
      case .status: .status
      case .peers: .peers
      case .keys: .keys(try KeysParams(reader))
      case .lookup: .lookup(try LookupParams(reader))
      case .ping: .ping(try PingParams(reader))
      case .bootstrap: .bootstrap(try BootstrapParams(reader))
      case .forget: .forget(try ForgetParams(reader))
      case .keyringList: .keyringList
      case .keyringAdd: .keyringAdd(try KeyringAddParams(reader))
      case .keyringUse: .keyringUse(try KeyringParams(reader))
      case .keyringRemove: .keyringRemove(try KeyringParams(reader))
      }
  }

  /// Encodes the parameters; nothing for methods without any.
  func encodeParams(to container: inout KeyedEncodingContainer<MemberName>) throws {
    switch self {
    case .put(let params): try params.encode(to: &container)
    case .get(let params): try params.encode(to: &container)
    case .delete(let params): try params.encode(to: &container)
    case .status, .peers, .keyringList: break
    case .keys(let params): try params.encode(to: &container)
    case .lookup(.key(let key)): try container.encodeBytes(key, as: "key")
    case .lookup(.target(let target)): try container.encode(Hex.string(target), forKey: "target")
    case .ping(let params): try container.encode(params.address.description, forKey: "address")
    case .bootstrap(let params):
      try container.encode(params.addresses.map(\.description), forKey: "addresses")
    case .forget(.node(let id)): try container.encode(Hex.string(id), forKey: "node_id")
    case .forget(.unreachable): try container.encode(true, forKey: "unreachable")
    case .keyringAdd(let params): try container.encode(params.networkKey, forKey: "network_key")
    case .keyringUse(let params), .keyringRemove(let params):
      try container.encode(params.fingerprint, forKey: "fingerprint")
    }
  }
}
