/// Why a request was not carried out: the `error` of a JSON-RPC 2.0 answer.
package struct ControlError: Error, Hashable, Sendable {
  /// What kind of error it is.
  package var code: ControlErrorCode
  /// For a person: what went wrong and what to do next, on one line.
  package var message: String
  /// For a machine.
  package var data: ControlErrorData

  /// An error; its reason is the code's own word unless a more exact one is given.
  package init(
    _ code: ControlErrorCode, _ message: String, reason: String? = nil, param: String? = nil,
    seq: Int64? = nil, put: PutResult? = nil, steps: [LookupStep]? = nil
  ) {
    self.code = code
    self.message = message
    self.data = ControlErrorData(
      reason: reason ?? code.word, param: param, seq: seq, put: put, steps: steps)
  }

  /// -32602 for a parameter that is wrong.
  package static func invalidParam(_ name: String, _ message: String) -> ControlError {
    ControlError(.invalidParams, message, param: name)
  }

  /// -32602 for a parameter that is not there.
  package static func missingParam(_ name: String) -> ControlError {
    .invalidParam(name, "the parameter \(name) is missing; add it")
  }

  /// The error for a line over `ControlLimits.maxLineBytes`; the connection ends after it.
  package static let lineTooLong = ControlError(
    .invalidRequest,
    "the line is over \(ControlLimits.maxLineBytes) bytes; connect again and send a shorter one",
    reason: "line_too_long")

  /// What a client sent, cut to a length that is fit to be sent back.
  static func shortened(_ text: String) -> String {
    text.unicodeScalars.count <= 64
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))) + "…"
  }
}

extension ControlError: Codable {
  private enum CodingKeys: String, CodingKey { case code, message, data }

  /// Reads an `error` object; one without `data` gets its code's own word as its reason.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    code = ControlErrorCode(rawValue: try container.decode(Int.self, forKey: .code))
    message = try container.decode(String.self, forKey: .message)
    data =
      try container.decodeIfPresent(ControlErrorData.self, forKey: .data)
      ?? ControlErrorData(reason: code.word)
  }

  /// Writes the `error` object.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code.rawValue, forKey: .code)
    try container.encode(message, forKey: .message)
    try container.encode(data, forKey: .data)
  }
}

/// The `data` of an error.
package struct ControlErrorData: Hashable, Sendable {
  /// A word in snake_case.
  package var reason: String
  /// -32602: the parameter that is wrong.
  package var param: String?
  /// `conflict`: the seq of the current version; 0 where there is none.
  package var seq: Int64?
  /// `quorum_failed`: who stored the record and why each other one did not; its members are
  /// members of `data`.
  package var put: PutResult?
  /// `not_found` and `unreachable` of a get with `trace`: the queries, in the order in which they were
  /// sent.
  package var steps: [LookupStep]?

  /// What a machine needs to know of an error.
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

  /// Reads the members that are there.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? "unknown"
    param = try container.decodeIfPresent(String.self, forKey: .param)
    put = container.contains(.stored) ? try PutResult(from: decoder) : nil
    seq = put == nil ? try container.decodeIfPresent(Int64.self, forKey: .seq) : nil
    steps = try container.decodeIfPresent([LookupStep].self, forKey: .steps)
  }

  /// Writes the members that have a value.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(reason, forKey: .reason)
    try container.encodeIfPresent(param, forKey: .param)
    try container.encodeIfPresent(seq, forKey: .seq)
    try container.encodeIfPresent(steps, forKey: .steps)
    try put?.encode(to: encoder)
  }
}
