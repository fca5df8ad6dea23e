/// One request: a method and what it takes.
package enum ControlRequest: Hashable, Sendable {
  /// Store a value under a key.
  case put(PutParams)
  /// Read the value of a key.
  case get(GetParams)
  /// Write a tombstone over a key.
  case delete(DeleteParams)
  /// Tell the state of the node and its counters.
  case status
  /// List the contacts of the routing table.
  case peers
  /// List the keys held here, a page at a time.
  case keys(KeysParams)
  /// Find the K closest nodes to a point.
  case lookup(LookupParams)
  /// Ask whether a node is there.
  case ping(PingParams)
  /// Join by way of other nodes.
  case bootstrap(BootstrapParams)

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
      }
  }

  /// Writes the parameters; methods without any write nothing.
  func encodeParams(to container: inout KeyedEncodingContainer<MemberName>) throws {
    switch self {
    case .put(let params): try params.encode(to: &container)
    case .get(let params): try params.encode(to: &container)
    case .delete(let params): try params.encode(to: &container)
    case .status, .peers: break
    case .keys(let params): try params.encode(to: &container)
    case .lookup(.key(let key)): try container.encodeBytes(key, as: "key")
    case .lookup(.target(let target)): try container.encode(Hex.string(target), forKey: "target")
    case .ping(let params): try container.encode(params.address.description, forKey: "address")
    case .bootstrap(let params):
      try container.encode(params.addresses.map(\.description), forKey: "addresses")
    }
  }
}
