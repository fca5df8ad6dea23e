/// An answer: the ID of the request, and its result or error.
package struct ControlResponse: Hashable, Sendable {
  /// The ID of the request.
  package var id: RequestID
  /// The result or error.
  package var outcome: Result<ControlResult, ControlError>

  /// An answer to a request.
  package init(id: RequestID, outcome: Result<ControlResult, ControlError>) {
    self.id = id
    self.outcome = outcome
  }
}

extension ControlResponse: Encodable {
  private enum CodingKeys: String, CodingKey { case jsonrpc, id, result, error }

  /// Encodes a JSON-RPC 2.0 response object.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode("2.0", forKey: .jsonrpc)
    try container.encode(id, forKey: .id)
    switch outcome {
    case .success(let result): try container.encode(result, forKey: .result)
    case .failure(let error): try container.encode(error, forKey: .error)
    }
  }
}

/// A line that does not answer a request of this client.
package struct ResponseFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// The problem with the line.
  package let description: String
}
