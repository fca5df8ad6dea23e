/// An error that answers a request: the `error` of a JSON-RPC 2.0 answer.
package struct ControlError: Error, Hashable, Sendable {
  /// The kind of error.
  package var code: ControlErrorCode
  /// The text for people, on one line: the problem and what to do next.
  package var message: String
  /// The details for programs.
  package var data: ControlErrorData

  /// An error. Its reason is the code's name unless another one is given.
  package init(
    _ code: ControlErrorCode, _ message: String, reason: String? = nil, param: String? = nil,
    seq: Int64? = nil, put: PutResult? = nil, steps: [LookupStep]? = nil
  ) {
    self.code = code
    self.message = message
    self.data = ControlErrorData(
      reason: reason ?? code.word, param: param, seq: seq, put: put, steps: steps)
  }

  /// -32602 for a wrong parameter.
  package static func invalidParam(_ name: String, _ message: String) -> ControlError {
    ControlError(.invalidParams, message, param: name)
  }

  /// -32602 for a missing parameter.
  package static func missingParam(_ name: String) -> ControlError {
    .invalidParam(name, "the parameter \(name) is missing; add it")
  }

  /// The error for a line longer than `ControlLimits.maxLineBytes`. The connection ends after it.
  package static let lineTooLong = ControlError(
    .invalidRequest,
    "the line is longer than \(ControlLimits.maxLineBytes) bytes; connect again and send a shorter line",
    reason: "line_too_long")

  /// A text from a client, shortened so that it can be sent back.
  static func shortened(_ text: String) -> String {
    text.unicodeScalars.count <= 64
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))) + "…"
  }
}

extension ControlError: Codable {
  private enum CodingKeys: String, CodingKey { case code, message, data }

  /// Decodes an `error` object. Without `data`, the reason is the code's name.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    code = ControlErrorCode(rawValue: try container.decode(Int.self, forKey: .code))
    message = try container.decode(String.self, forKey: .message)
    data =
      try container.decodeIfPresent(ControlErrorData.self, forKey: .data)
      ?? ControlErrorData(reason: code.word)
  }

  /// Encodes the `error` object.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code.rawValue, forKey: .code)
    try container.encode(message, forKey: .message)
    try container.encode(data, forKey: .data)
  }
}

/// The `data` of an error.
package struct ControlErrorData: Hashable, Sendable {
  /// A name in snake_case.
  package var reason: String
  /// For -32602: the wrong parameter.
  package var param: String?
  /// For `conflict`: the seq of the current version; 0 if there is none.
  package var seq: Int64?
  /// For `quorum_failed`: the nodes that stored the record, and the failures of the others. Its members are
  /// members of `data`.
  package var put: PutResult?
  /// For `not_found` and `unreachable` of a get with `trace`: the queries, in the order in which they were
  /// sent.
  package var steps: [LookupStep]?

  /// The details of an error.
  package init(
    reason: String, param: String? = nil, seq: Int64? = nil, put: PutResult? = nil,
    steps: [LookupStep]? = nil
  ) {
    self.reason = reason
    self.param = param
    self.seq = seq
    self.put = put
    self.steps = steps
  }
}

extension ControlErrorData: Codable {
  private enum CodingKeys: String, CodingKey { case reason, param, seq, stored, steps }

  /// Decodes the members that are present.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? "unknown"
    param = try container.decodeIfPresent(String.self, forKey: .param)
    put = container.contains(.stored) ? try PutResult(from: decoder) : nil
    seq = put == nil ? try container.decodeIfPresent(Int64.self, forKey: .seq) : nil
    steps = try container.decodeIfPresent([LookupStep].self, forKey: .steps)
  }

  /// Encodes the members that have a value.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reason, forKey: .reason)
    try container.encodeIfPresent(param, forKey: .param)
    try container.encodeIfPresent(seq, forKey: .seq)
    try container.encodeIfPresent(steps, forKey: .steps)
    try put?.encode(to: encoder)
  }
}
