import FoundationEssentials
import SeededRandom
import Testing

@testable import ControlProtocol

@Suite("Answers written directly as bytes")
struct JSONWriterTests {
  private func written(_ response: ControlResponse) -> [UInt8]? {
    var writer = JSONWriter()
    return writer.write(response) ? writer.bytes : nil
  }

  @Test("the writer writes every common answer byte for byte as the encoder does")
  func agreement() throws {
    var source = SplitMix64(seed: 4)
    for _ in 0..<10_000 {
      let response = ControlResponse.random(using: &source)
      let line = try #require(written(response))
      let expected = ControlCodec.encodeGenerally(response)
      #expect(line == expected, "\(String(decoding: expected, as: UTF8.self))")
    }
  }

  @Test("every byte, and every pair of bytes that begins as UTF-8 does, is written as the encoder does")
  func bytes() throws {
    func compare(_ value: [UInt8]) throws {
      let result = GetResult(value: value, seq: 1, expires: 2, target: target)
      let response = ControlResponse(id: .null, outcome: .success(.get(result)))
      #expect(try #require(written(response)) == ControlCodec.encodeGenerally(response), "\(value)")
    }
    for byte in UInt8.min ... .max {
      try compare([byte])
      try compare(Array(repeating: byte, count: 9))
      for first: UInt8 in [0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF8] {
        try compare([first, byte])
        try compare([first, byte, 0x80])
        try compare([first, byte, 0x80, 0x80])
      }
    }
  }

  @Test("uncommon answers are left to the encoder, and nothing is written")
  func uncommon() {
    let traced = GetResult(value: [], seq: 1, expires: 2, target: target, steps: [])
    let outcomes: [Result<ControlResult, ControlError>] = [
      .success(.put(putResult)), .success(.delete(putResult)), .success(.get(traced)),
      .success(.status(StatusResult())), .success(.peers(PeersResult(peers: []))),
      .failure(ControlError(.quorumFailed, "m", put: putResult)),
      .failure(ControlError(.notFound, "m", steps: [])),
    ]
    for outcome in outcomes {
      let response = ControlResponse(id: .integer(1), outcome: outcome)
      var writer = JSONWriter()
      let isWritten = writer.write(response)
      #expect(!isWritten)
      #expect(writer.bytes.isEmpty)
      #expect(ControlCodec.encode(response) == ControlCodec.encodeGenerally(response))
    }
  }

  @Test("answers are appended to the content of the buffer")
  func appending() {
    let common = ControlResponse(id: .integer(1), outcome: .failure(.lineTooLong))
    let uncommon = ControlResponse(id: .integer(2), outcome: .success(.status(StatusResult())))
    var buffer = Array("before\n".utf8)
    ControlCodec.encode(common, appendingTo: &buffer)
    ControlCodec.encode(uncommon, appendingTo: &buffer)
    #expect(
      buffer == Array("before\n".utf8) + ControlCodec.encode(common) + ControlCodec.encode(uncommon))
  }
}

extension ControlResponse {
  /// An answer that the writer has to know, from a seed.
  fileprivate static func random(using source: inout SplitMix64) -> ControlResponse {
    let number = { (source: inout SplitMix64) in
      Int64(truncatingIfNeeded: source.next()) >> Int64(source.below(64))
    }
    let put = PutResult(
      target: target, seq: number(&source), expires: number(&source), stored: number(&source),
      replicas: number(&source))
    let outcome: Result<ControlResult, ControlError>
    switch source.below(4) {
    case 0:
      let value =
        source.below(4) == 0
        ? source.bytes(source.below(40)) : Array(RandomText.string(source.below(60), using: &source).utf8)
      let get = GetResult(
        value: value, seq: number(&source), expires: number(&source),
        target: source.below(8) == 0 ? RandomText.string(8, using: &source) : target,
        age: source.below(2) == 0 ? nil : number(&source))
      outcome = .success(.get(get))
    case 1: outcome = .success(.put(put))
    case 2: outcome = .success(.delete(put))
    default:
      outcome = .failure(
        ControlError(
          ControlErrorCode(rawValue: Int(number(&source))),
          RandomText.string(source.below(60), using: &source),
          reason: source.below(2) == 0 ? nil : RandomText.string(source.below(12), using: &source),
          param: source.below(2) == 0 ? nil : RandomText.string(source.below(12), using: &source),
          seq: source.below(2) == 0 ? nil : number(&source)))
    }
    let id: RequestID
    switch source.below(5) {
    case 0: id = .null
    case 1: id = .string(RandomText.string(source.below(20), using: &source))
    case 2: id = .decimal(Decimal(number(&source)) / 64 * (source.below(2) == 0 ? 1 : 1_000_000_000_000))
    default: id = .integer(number(&source))
    }
    return ControlResponse(id: id, outcome: outcome)
  }
}
