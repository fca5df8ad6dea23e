import Testing

@testable import dhtctl

@Suite("The answers that a benchmark reads")
struct ReplyBufferTests {
  /// The lines that come out when the bytes come in pieces of a size; nil where a line had no room.
  private func lines(_ text: String, piece: Int, size: Int, limit: Int) throws(Failure) -> [String]? {
    var buffer = ReplyBuffer(size: size, limit: limit)
    var rest = Array(text.utf8)[...]
    var lines: [String] = []
    while !rest.isEmpty {
      let hasRoom = try buffer.fill { bytes, start in
        let count = min(piece, rest.count, bytes.count - start)
        bytes.replaceSubrange(start..<start + count, with: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
      }
      guard hasRoom else { return nil }
      try buffer.takeLines { line in
        lines.append(String(decoding: line.withUnsafeBufferPointer { Array($0) }, as: UTF8.self))
      }
    }
    return lines
  }

  @Test("however the bytes are cut, the lines are the same, and an incomplete line waits")
  func pieces() throws {
    for size in 1...20 {
      for piece in 1...20 {
        #expect(try lines("one\n\nthree\nfour", piece: piece, size: size, limit: 64) == ["one", "", "three"])
      }
    }
  }

  @Test("it grows for a long line, up to the limit")
  func growth() throws {
    let long = String(repeating: "x", count: 99)
    #expect(try lines(long + "\nnext\n", piece: 7, size: 4, limit: 100) == [long, "next"])
    #expect(try lines(long + "x\n", piece: 7, size: 4, limit: 100) == nil)
  }
}
