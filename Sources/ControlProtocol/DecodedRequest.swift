/// A decoded line of a client.
package struct DecodedRequest: Hashable, Sendable {
  /// The ID of the answer. Nil marks a notification, which is carried out and never answered, not even with
  /// an error.
  package var id: RequestID?
  /// The request, or the error to answer with.
  package var outcome: Result<ControlRequest, ControlError>
}

/// The members of a request object. Decoding never throws, because an error that can be answered under the
/// request's own ID is part of the outcome.
struct RequestEnvelope: Decodable {
  let decoded: DecodedRequest

  init(from decoder: any Decoder) {
    guard let container = try? decoder.container(keyedBy: MemberName.self) else {
      let isBatch = (try? decoder.unkeyedContainer()) != nil
      decoded = Self.invalid(
        isBatch
          ? "batches are not supported; send one object a line"
          : "a request is a JSON object; send one object a line")
      return
    }
    guard !container.contains("id") || (try? container.decode(RequestID.self, forKey: "id")) != nil else {
      decoded = Self.invalid("id must be a string, a number or null")
      return
    }
    let id = try? container.decode(RequestID.self, forKey: "id")
    guard (try? container.decode(String.self, forKey: "jsonrpc")) == "2.0" else {
      decoded = Self.invalid("jsonrpc must be \"2.0\"", id)
      return
    }
    guard let name = try? container.decode(String.self, forKey: "method") else {
      decoded = Self.invalid("method must be present and a string", id)
      return
    }
    decoded = DecodedRequest(
      id: id, outcome: Result { () throws(ControlError) in try Self.request(name, container) })
  }

  private static func invalid(_ message: String, _ id: RequestID? = nil) -> DecodedRequest {
    // A line that is not a request is not a notification either. It is answered, with the ID null if it has
    // none.
    DecodedRequest(id: id ?? .null, outcome: .failure(ControlError(.invalidRequest, message)))
  }

  private static func request(
    _ name: String, _ container: KeyedDecodingContainer<MemberName>
  ) throws(ControlError) -> ControlRequest {
    guard let method = ControlMethod(rawValue: name) else {
      let known = ControlMethod.allCases.map(\.rawValue).joined(separator: ", ")
      throw ControlError(
        .methodNotFound, "unknown method '\(ControlError.shortened(name))'; the methods are \(known)")
    }
    guard container.contains("params") else {
      return try ControlRequest(method, ParamReader(nil, for: method))
    }
    guard let params = try? container.nestedContainer(keyedBy: MemberName.self, forKey: "params") else {
      throw .invalidParam("params", "params must be an object that gives each parameter by its name")
    }
    return try ControlRequest(method, ParamReader(params, for: method))
  }
}
