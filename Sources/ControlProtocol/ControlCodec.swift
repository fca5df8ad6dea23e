#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Encodes and decodes requests and answers as lines of JSON.
package enum ControlCodec {
  /// Decodes a line of a client, with or without its line feed.
  ///
  /// Never fails: for a line that is not a request, the result is the error to answer. The caller checks the
  /// line's length while it reads (`ControlLimits.maxLineBytes`).
  package static func decodeRequest(_ line: Span<UInt8>) -> DecodedRequest {
    RequestScanner.request(in: line) ?? decodeGenerally(line)
  }

  /// Decodes a line of a client in an array.
  package static func decodeRequest(_ line: [UInt8]) -> DecodedRequest { decodeRequest(line.span) }

  /// Decodes any line. The general decoder takes ten times as long as the scanner.
  static func decodeGenerally(_ line: Span<UInt8>) -> DecodedRequest {
    // The decoder gets a copy.
    let data = unsafe line.withUnsafeBufferPointer { unsafe Data($0) }
    guard isUTF8Text(data), let envelope = try? JSONDecoder().decode(RequestEnvelope.self, from: data)
    else {
      return DecodedRequest(
        id: .null,
        outcome: .failure(
          ControlError(.parseError, "the line is not JSON in UTF-8; send one object a line")))
    }
    return envelope.decoded
  }

  /// Appends an answer as a line with its line feed.
  ///
  /// - Parameter buffer: a buffer that is reused keeps its capacity and saves an allocation for each answer.
  package static func encode(_ response: ControlResponse, appendingTo buffer: inout [UInt8]) {
    var writer = JSONWriter()
    swap(&writer.bytes, &buffer)
    let isWritten = writer.write(response)
    swap(&writer.bytes, &buffer)
    if !isWritten { buffer.append(contentsOf: encodeGenerally(response)) }
  }

  /// Encodes an answer as a line with its line feed.
  package static func encode(_ response: ControlResponse) -> [UInt8] {
    var line: [UInt8] = []
    // Most answers fit.
    line.reserveCapacity(512)
    encode(response, appendingTo: &line)
    return line
  }

  /// Encodes any answer. The general encoder takes ten times as long as the writer.
  static func encodeGenerally(_ response: ControlResponse) -> [UInt8] {
    if let line = try? encodeLine(response) { return line }
    // Only a number that JSON cannot express, such as an infinite round trip, gets here.
    let error = ControlError(.internalError, "dhtd could not encode its answer; please report this")
    let fallback = ControlResponse(id: response.id, outcome: .failure(error))
    return (try? encodeLine(fallback)) ?? []
  }

  /// Encodes a request as a line with its line feed. A request without an ID is a notification.
  package static func encodeRequest(_ request: ControlRequest, id: RequestID?) -> [UInt8] {
    // Strings, integers and arrays of strings always encode.
    (try? encodeLine(OutgoingRequest(id: id, request: request))) ?? []
  }

  /// Decodes an answer of the daemon.
  /// - Parameter methodOf: the method of the request with an ID; nil for an unknown ID.
  /// - Throws: `ResponseFault` for a line that does not answer one of the requests.
  package static func decodeResponse(
    _ line: some Sequence<UInt8>, methodOf: (RequestID) -> ControlMethod?
  ) throws(ResponseFault) -> ControlResponse {
    let data = Data(line)
    let decoder = JSONDecoder()
    guard isUTF8Text(data), let head = try? decoder.decode(ResponseHead.self, from: data) else {
      throw ResponseFault(description: "a line is not a JSON-RPC 2.0 answer")
    }
    if let error = head.error { return ControlResponse(id: head.id, outcome: .failure(error)) }
    guard let method = methodOf(head.id) else {
      throw ResponseFault(description: "an answer does not belong to any request")
    }
    if let key = ResponseBody.method { decoder.userInfo[key] = method }
    guard let body = try? decoder.decode(ResponseBody.self, from: data) else {
      throw ResponseFault(description: "the result of \(method.rawValue) is invalid")
    }
    return ControlResponse(id: head.id, outcome: .success(body.result))
  }

  /// Encodes any value as a line with sorted members, without the line feed.
  package static func encodeJSON(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  private static func encodeLine(_ value: some Encodable) throws -> [UInt8] {
    try encodeJSON(value) + [UInt8(ascii: "\n")]
  }

  /// The decoder would also accept UTF-16 and UTF-32, which it detects by NUL bytes and byte order marks,
  /// and malformed text in parts that it skips. The contract is UTF-8.
  private static func isUTF8Text(_ data: Data) -> Bool {
    data.first != 0xEF && !data.contains(0) && String(validating: data, as: UTF8.self) != nil
  }
}

private struct OutgoingRequest: Encodable {
  let id: RequestID?
  let request: ControlRequest

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: MemberName.self)
    try container.encode("2.0", forKey: "jsonrpc")
    try container.encodeIfPresent(id, forKey: "id")
    try container.encode(request.method.rawValue, forKey: "method")
    if request.method.params.isEmpty { return }
    var params = container.nestedContainer(keyedBy: MemberName.self, forKey: "params")
    try request.encodeParams(to: &params)
  }
}

private struct ResponseHead: Decodable {
  let id: RequestID
  let error: ControlError?
}

private struct ResponseBody: Decodable {
  /// The key for the method whose result is decoded.
  static let method = CodingUserInfoKey(rawValue: "method")

  let result: ControlResult

  private enum CodingKeys: String, CodingKey { case result }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    guard let method = Self.method.flatMap({ decoder.userInfo[$0] }) as? ControlMethod else {
      throw DecodingError.dataCorruptedError(
        forKey: .result, in: container, debugDescription: "the method is unknown")
    }
    result = try ControlResult(method, from: container.superDecoder(forKey: .result))
  }
}
