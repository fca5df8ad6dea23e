/// The result of a request that succeeded.
///
/// Each case is the result of the method of its name. The last one is that of all keyring methods.
package enum ControlResult: Hashable, Sendable {
  case put(PutResult)
  case get(GetResult)
  case delete(PutResult)
  case status(StatusResult)
  case peers(PeersResult)
  case keys(KeysResult)
  case lookup(LookupResult)
  case ping(PingResult)
  case bootstrap(BootstrapResult)
  case forget(ForgetResult)
  /// The result of each keyring method: the new state.
  case keyring(KeyringResult)
}

extension ControlResult: Encodable {
  /// Encodes the result object alone, without the method.
  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .put(let result), .delete(let result): try result.encode(to: encoder)
    case .get(let result): try result.encode(to: encoder)
    case .status(let result): try result.encode(to: encoder)
    case .peers(let result): try result.encode(to: encoder)
    case .keys(let result): try result.encode(to: encoder)
    case .lookup(let result): try result.encode(to: encoder)
    case .ping(let result): try result.encode(to: encoder)
    case .bootstrap(let result): try result.encode(to: encoder)
    case .forget(let result): try result.encode(to: encoder)
    case .keyring(let result): try result.encode(to: encoder)
    }
  }

  /// Decodes the result object of a method.
  init(_ method: ControlMethod, from decoder: any Decoder) throws {
    self =
      switch method {
      case .put: .put(try PutResult(from: decoder))
      case .get: .get(try GetResult(from: decoder))
      case .delete: .delete(try PutResult(from: decoder))
      case .status: .status(try StatusResult(from: decoder))
      case .peers: .peers(try PeersResult(from: decoder))
      case .keys: .keys(try KeysResult(from: decoder))
      case .lookup: .lookup(try LookupResult(from: decoder))
      case .ping: .ping(try PingResult(from: decoder))
      case .bootstrap: .bootstrap(try BootstrapResult(from: decoder))
      case .forget: .forget(try ForgetResult(from: decoder))
      case .keyringList, .keyringAdd, .keyringUse, .keyringRemove:
        .keyring(try KeyringResult(from: decoder))
      }
  }
}
