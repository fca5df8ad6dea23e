/// One answer: the ID of the request, and its result or its error.
package struct ControlResponse: Hashable, Sendable {
  /// What the client called its request.
  package var id: RequestID
  /// What became of it.
  package var outcome: Result<ControlResult, ControlError>

  /// An answer to a request.
  package init(id: RequestID, outcome: Result<ControlResult, ControlError>) {
    self.id = id
    self.outcome = outcome
  }
}

extension ControlResponse: Encodable {
  private enum CodingKeys: String, CodingKey { case jsonrpc, id, result, error }

  /// Writes a JSON-RPC 2.0 response object.
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

/// A line that is no answer to a request of ours.
package struct ResponseFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong with it.
  package let description: String
}
