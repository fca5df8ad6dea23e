import ControlProtocol
import Testing

@Suite("Hostile lines")
struct HostileLineTests {
  /// Lines that cause an error and not a crash.
  private func code(_ bytes: [UInt8]) -> ControlErrorCode? {
    if case .failure(let error) = ControlCodec.decodeRequest(bytes).outcome { error.code } else { nil }
  }

  private func inside(_ value: [UInt8]) -> [UInt8] {
    Array(#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"#.utf8) + value + Array("}}".utf8)
  }

  @Test("nesting as deep as a line is long is an error", arguments: [["["], ["{\"a\":"], ["[{\"a\":"]])
  func nesting(_ unit: [String]) {
    let opening = Array(String(repeating: unit.joined(), count: 100_000).utf8)
    #expect(code(opening) == .parseError)
    #expect(code(inside(opening)) == .parseError)
  }

  @Test("nesting that is well-formed is a parameter of the wrong type or too deep, and not a crash")
  func closedNesting() {
    for depth in [10, 500, 511, 512, 513, 5_000, 100_000] {
      let value = Array(repeating: UInt8(ascii: "["), count: depth)
      let found = code(inside(value + Array(repeating: UInt8(ascii: "]"), count: depth)))
      #expect(found == .invalidParams || found == .parseError, "depth \(depth)")
    }
  }

  @Test("numbers that no type holds are errors")
  func numbers() {
    for digits in [
      String(repeating: "9", count: 100_000), "1e999999999", "-" + String(repeating: "1", count: 400),
    ] {
      #expect(code(inside(Array(digits.utf8))) != nil)
      let line = #"{"jsonrpc":"2.0","id":\#(digits),"method":"status"}"#
      #expect(code(Array(line.utf8)) != .parseError)
    }
  }

  @Test("NUL bytes, byte order marks, UTF-16 and broken UTF-8 are not JSON in UTF-8")
  func encodings() {
    let good = Array(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8)
    #expect(code(good) == nil)
    #expect(code([0xEF, 0xBB, 0xBF] + good) == .parseError)
    #expect(code(good + [0]) == .parseError)
    #expect(code(good.flatMap { [$0, 0] }) == .parseError)
    #expect(code([0xFF, 0xFE] + good.flatMap { [$0, 0] }) == .parseError)
    #expect(code(inside([0x22, 0x00, 0x22])) == .parseError)
    for bytes: [UInt8] in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] {
      #expect(code(inside([0x22] + bytes + [0x22])) == .parseError)
    }
  }

  @Test("a lone surrogate is invalid text")
  func surrogates() {
    for escape in [#""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\u12""#, #""\x41""#] {
      #expect(code(inside(Array(escape.utf8))) != nil, "\(escape)")
    }
    #expect(code(inside(Array(#""\ud83d\ude00""#.utf8))) == nil)
  }

  @Test("an escaped NUL is a byte of the key like any other")
  func escapedNUL() throws {
    #expect(try request("get", #"{"key":"\u0000a"}"#) == .get(GetParams(key: [0, 0x61])))
  }

  @Test("a request truncated or changed at any byte never crashes, and has an answer of one line")
  func damage() {
    let line = ControlCodec.encodeRequest(
      .put(PutParams(key: Array("k".utf8), value: [0xFF], ttl: 90, ifSeq: 1)), id: .string("x"))
    for index in line.indices {
      _ = code(Array(line[..<index]))
      for byte: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x7D, 0xFF] {
        var damaged = line
        damaged[index] = byte
        let decoded = ControlCodec.decodeRequest(damaged)
        if case .failure(let error) = decoded.outcome {
          let answer = ControlCodec.encode(ControlResponse(id: decoded.id ?? .null, outcome: .failure(error)))
          #expect(answer.firstIndex(of: 0x0A) == answer.count - 1)
        }
      }
    }
  }
}
