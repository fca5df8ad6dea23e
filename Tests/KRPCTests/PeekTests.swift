import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("An answer is recognised by its last bytes")
struct PeekTests {
  private func peek(_ text: String) -> UInt32? { KRPC.answeredTransaction(in: Array(text.utf8).span.bytes) }

  @Test("only answers and errors with a transaction of dhtd are recognised")
  func forms() {
    #expect(peek("d1:rd2:id20:abcdefghij0123456789e1:t4:abcd1:y1:re") == 0x6162_6364)
    #expect(peek("d1:rd2:id20:abcdefghij0123456789e1:t4:abcd1:v4:LT011:y1:re") == 0x6162_6364)
    #expect(peek("d1:eli201e1:xe1:t4:abcd1:v4:LT011:y1:ee") == 0x6162_6364)
    #expect(peek("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t4:abcd1:y1:qe") == nil)
    #expect(peek("d1:rd2:id20:abcdefghij0123456789e1:t2:ab1:y1:re") == nil)
    for text in ["", "e", "1:y1:re", "1:t4:abcd1:y1:re", "d1:y1:r1:t4:abcde"] { #expect(peek(text) == nil) }
  }

  @Test("every answer to a numbered query is recognised by its number, and no query is")
  func written() {
    var random = SplitMix64(seed: 11)
    for _ in 0..<5_000 {
      let number = UInt32.random(in: 0...(.max), using: &random)
      var message = Message.random(using: &random)
      message.transaction = ShortBytes(number)
      var bytes: [UInt8] = []
      KRPC.encode(message, appendingTo: &bytes)
      let found = KRPC.answeredTransaction(in: bytes.span.bytes)
      if case .query = message.body { #expect(found == nil) } else { #expect(found == number) }
    }
  }

  @Test("it never reads beyond the bytes")
  func hostile() {
    var random = SplitMix64(seed: 12)
    let ends = ["1:y1:re", "1:v4:abcd1:y1:ee", "1:t4:abcd1:y1:re", "4:abcd1:y1:re", ":abcd1:v4:abcd1:y1:re"]
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...30, using: &random)
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let end = ends[Int.random(in: 0..<ends.count, using: &random)]
      _ = KRPC.answeredTransaction(in: (bytes + Array(end.utf8)).span.bytes)
    }
  }
}
