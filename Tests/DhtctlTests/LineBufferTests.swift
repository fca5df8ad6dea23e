import Testing

@testable import dhtctl

@Suite("Lines from pieces")
struct LineBufferTests {
  private func lines(_ pieces: [String], limit: Int) -> [ClientLineBuffer.Line] {
    var buffer = ClientLineBuffer(limit: limit)
    var lines: [ClientLineBuffer.Line] = []
    for piece in pieces {
      buffer.append(Array(piece.utf8))
      while let line = buffer.next() { lines.append(line) }
    }
    if let line = buffer.last() { lines.append(line) }
    return lines
  }

  private func text(_ text: String) -> ClientLineBuffer.Line { .text(Array(text.utf8)) }

  @Test("however the bytes are cut, the lines are the same")
  func pieces() {
    let whole = "one\n\nthree\nfour"
    let expected = [text("one"), text(""), text("three"), text("four")]
    for size in 1...whole.utf8.count {
      let bytes = Array(whole.utf8)
      let pieces = stride(from: 0, to: bytes.count, by: size).map { start in
        String(decoding: bytes[start..<min(start + size, bytes.count)], as: UTF8.self)
      }
      #expect(lines(pieces, limit: 5) == expected)
    }
  }

  @Test("a line over the limit is reported once, and the next one is complete")
  func tooLong() {
    #expect(lines(["12345\n123456\nab\n"], limit: 5) == [text("12345"), .tooLong, text("ab")])
    #expect(lines(["1234567", "89", "0\nab\n"], limit: 5) == [.tooLong, text("ab")])
    #expect(lines(["1234567", "89"], limit: 5) == [.tooLong])
  }

  @Test("many lines in many pieces use memory only for the rest")
  func many() {
    let line = String(repeating: "x", count: 999) + "\n"
    let piece = String(repeating: line, count: 100)
    #expect(lines(Array(repeating: piece, count: 20), limit: 1_000).count == 2_000)
  }
}
