/// The `code` of an error. JSON-RPC's codes are negative, and dhtd's start at 1.
package struct ControlErrorCode: RawRepresentable, Hashable, Sendable {
  /// The number on the wire.
  package var rawValue: Int

  /// Any code. A newer daemon may use more of them.
  package init(rawValue: Int) { self.rawValue = rawValue }

  /// The line is not JSON.
  package static let parseError = ControlErrorCode(rawValue: -32700)
  /// The line is JSON and not a request.
  package static let invalidRequest = ControlErrorCode(rawValue: -32600)
  /// The method does not exist.
  package static let methodNotFound = ControlErrorCode(rawValue: -32601)
  /// A parameter is unknown, missing or invalid.
  package static let invalidParams = ControlErrorCode(rawValue: -32602)
  /// The daemon failed through its own fault.
  package static let internalError = ControlErrorCode(rawValue: -32603)
  /// The network holds no value for the key.
  package static let notFound = ControlErrorCode(rawValue: 1)
  /// Fewer than a majority of the replicas confirmed. It is unknown whether the write lasts.
  package static let quorumFailed = ControlErrorCode(rawValue: 2)
  /// The key changed since the version in `if_seq`. It is unknown whether the write lasts.
  package static let conflict = ControlErrorCode(rawValue: 3)
  /// Key and value exceed the limit of a record.
  package static let tooLarge = ControlErrorCode(rawValue: 4)
  /// Too few nodes answered.
  package static let unreachable = ControlErrorCode(rawValue: 5)
  /// The daemon is at a limit.
  package static let busy = ControlErrorCode(rawValue: 6)
  /// The store is full.
  package static let storageFull = ControlErrorCode(rawValue: 7)

  /// The name of the code, for `data.reason`.
  package var word: String {
    switch self {
    case .parseError: "parse_error"
    case .invalidRequest: "invalid_request"
    case .methodNotFound: "method_not_found"
    case .invalidParams: "invalid_params"
    case .internalError: "internal_error"
    case .notFound: "not_found"
    case .quorumFailed: "quorum_failed"
    case .conflict: "conflict"
    case .tooLarge: "too_large"
    case .unreachable: "unreachable"
    case .busy: "busy"
    case .storageFull: "storage_full"
    default: "unknown"
    }
  }
}
