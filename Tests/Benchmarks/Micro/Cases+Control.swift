import ControlProtocol

extension Case {
  /// Lines of the control socket, as the daemon reads and writes them.
  static let control = [
    request(.put(PutParams(key: key, value: value)), units: 0.32, allocations: 2),
    request(.get(GetParams(key: key)), units: 0.26, allocations: 1),
    answer(
      .put(
        PutResult(
          target: target, seq: 1_800_000_000_000_000, expires: 1_800_086_400, stored: 8, replicas: 8)),
      "put", units: 0.2, allocations: 0),
    answer(
      .get(
        GetResult(
          value: value, seq: 1_800_000_000_000_000, expires: 1_800_086_400,
          target: target)),
      "get", units: 0.24, allocations: 0),
  ]

  private static let key = Array("user:1000000".utf8)
  private static let value = Array(repeating: UInt8(ascii: "v"), count: 100)
  private static let target = String(repeating: "0123456789", count: 4)

  private static func request(
    _ request: ControlRequest, units: Double, allocations: Double
  ) -> Case {
    Case("control: decode \(request.method.rawValue)", units: units, allocations: allocations) {
      let line = ControlCodec.encodeRequest(request, id: .integer(7))
      guard try ControlCodec.decodeRequest(line).outcome.get() == request else {
        throw NotAsExpected("the request did not come back as it was")
      }
      return { times in
        for _ in 0..<times { keep(ControlCodec.decodeRequest(line.span)) }
      }
    }
  }

  private static func answer(
    _ result: ControlResult, _ method: String, units: Double, allocations: Double
  ) -> Case {
    Case("control: encode answer to \(method)", units: units, allocations: allocations) {
      let response = ControlResponse(id: .integer(7), outcome: .success(result))
      var buffer: [UInt8] = []
      return { times in
        for _ in 0..<times {
          buffer.removeAll(keepingCapacity: true)
          ControlCodec.encode(response, appendingTo: &buffer)
        }
        keep(buffer)
      }
    }
  }
}
