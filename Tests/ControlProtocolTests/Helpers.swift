import ControlProtocol
import FoundationEssentials

/// The error that a line is answered with; nil where it is a request.
func error(_ line: String) -> ControlError? {
  if case .failure(let error) = ControlCodec.decodeRequest(Array(line.utf8)).outcome { error } else { nil }
}

/// The request that a method with these parameters, written as JSON, turns out to be.
func request(_ method: String, _ params: String) throws -> ControlRequest {
  let line = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(params)}"#
  return try ControlCodec.decodeRequest(Array(line.utf8)).outcome.get()
}

/// The error of a method with these parameters.
func error(_ method: String, _ params: String) -> ControlError? {
  error(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(params)}"#)
}

/// An answer as the text of its line.
func text(_ result: ControlResult, id: RequestID = .integer(1)) -> String {
  String(decoding: ControlCodec.encode(ControlResponse(id: id, outcome: .success(result))), as: UTF8.self)
}

/// An answer that went over the wire and back.
func roundTrip(
  _ outcome: Result<ControlResult, ControlError>, _ method: ControlMethod, id: RequestID = .integer(7)
) throws -> ControlResponse {
  let line = ControlCodec.encode(ControlResponse(id: id, outcome: outcome))
  return try ControlCodec.decodeResponse(line) { $0 == id ? method : nil }
}

let target = String(repeating: "ab", count: 20)
/// Steps at which a value, a tombstone and nothing were held.
let steps = [
  LookupStep(
    hop: 1, nodeID: target, address: "a:1", rtt: 0.5, outcome: "answered",
    held: HeldVersion(seq: .max, expires: 1_800_000_000, deleted: false)),
  LookupStep(
    hop: 2, nodeID: target, address: "a:2", rtt: 1.5, outcome: "answered",
    held: HeldVersion(seq: 0, expires: 1, deleted: true)),
  LookupStep(hop: 2, nodeID: target, address: "a:3", outcome: "silent"),
]
let putResult = PutResult(
  target: target, seq: 9_007_199_254_740_993, expires: 1_800_000_000, stored: 1, replicas: 3,
  failures: [
    PutFailure(nodeID: target, address: "192.0.2.7:8001", reason: "timed_out"),
    PutFailure(nodeID: nil, address: nil, reason: "storage_full"),
  ])
