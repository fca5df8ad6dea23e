@testable import ControlProtocol

/// Reads a line of a client. Both readers make the same of it, and what was read is written and read again.
func fuzzControlLines(_ input: UnsafeRawBufferPointer) {
  let line = [UInt8](input)
  let general = ControlCodec.decodeGenerally(line.span)
  if let scanned = RequestScanner.request(in: line.span) {
    require(scanned == general, "the scanner reads \(scanned), and the decoder \(general)")
  }
  require(ControlCodec.decodeRequest(line) == general, "the codec reads something else")
  switch general.outcome {
  case .success(let request):
    let again = ControlCodec.decodeRequest(ControlCodec.encodeRequest(request, id: general.id))
    guard case .success(let same) = again.outcome else { fatalError("\(request) does not come back") }
    require(same == request, "\(request) comes back as \(same)")
    checkID(general.id, again.id)
    checkAnswer(to: request, general.id ?? .null)
  case .failure(let error):
    let response = ControlResponse(id: general.id ?? .null, outcome: .failure(error))
    let back = try? ControlCodec.decodeResponse(checkWritten(response)) { _ in nil }
    require(back?.outcome == response.outcome, "the error comes back as another")
  }
}

/// The answer to a get, with the bytes of the request in it.
private func checkAnswer(to request: ControlRequest, _ id: RequestID) {
  let bytes: [UInt8]
  switch request {
  case .put(let params): bytes = params.value
  case .get(let params): bytes = params.key
  case .delete(let params): bytes = params.key
  default: return
  }
  let result = GetResult(value: bytes, seq: Int64(bytes.count), expires: 1, target: Hex.string(bytes))
  let response = ControlResponse(id: id, outcome: .success(.get(result)))
  let back = try? ControlCodec.decodeResponse(checkWritten(response)) { _ in .get }
  require(back?.outcome == response.outcome, "\(result) comes back as another")
}

/// Writes an answer: as the general encoder does, on one line.
private func checkWritten(_ response: ControlResponse) -> [UInt8] {
  let line = ControlCodec.encode(response)
  require(line == ControlCodec.encodeGenerally(response), "an answer is written in two ways")
  require(line.firstIndex(of: UInt8(ascii: "\n")) == line.count - 1, "an answer is not one line")
  return line
}

/// A number that is no integer is kept to 38 digits, and need not come back in the same form.
private func checkID(_ id: RequestID?, _ again: RequestID?) {
  if case .decimal? = id { return }
  require(id == again, "the ID comes back as another")
}
