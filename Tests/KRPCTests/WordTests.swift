import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("keys and short strings as words")
struct WordTests {
  /// Two keys in one datagram, with so many bytes behind the second.
  private func compare(_ first: [UInt8], _ second: [UInt8], behind: Int) -> (isLess: Bool, isSame: Bool) {
    let datagram = first + second + [UInt8](repeating: 0x61, count: behind)
    let bytes = datagram.span.bytes
    let left = DictionaryKey(BencodeValue(.string, from: 0, to: first.count), in: bytes)
    let right = DictionaryKey(
      BencodeValue(.string, from: first.count, to: first.count + second.count), in: bytes)
    return (left.precedes(right, in: bytes), left.word == right.word)
  }

  @Test("keys are ordered by bytes, anywhere in the datagram")
  func order() {
    var source = SplitMix64(seed: 12)
    for _ in 0..<100_000 {
      // Few values and NULs among them, so that many keys begin alike.
      let first = source.bytes(source.below(11)).map { $0 % 3 == 0 ? 0 : 0x61 + $0 % 2 }
      var second = source.bytes(source.below(11)).map { $0 % 3 == 0 ? 0 : 0x61 + $0 % 2 }
      if source.below(2) == 0 { second = Array(first.prefix(source.below(11))) + second.prefix(2) }
      let (isLess, isSame) = compare(first, second, behind: source.below(10))
      #expect(isLess == first.lexicographicallyPrecedes(second), "\(first) \(second)")
      if first.count <= 7, second.count <= 7 { #expect(isSame == (first == second), "\(first) \(second)") }
    }
  }

  @Test("a key's text maps back to the same key")
  func texts() {
    for (text, word) in [("a", keyWord("a")), ("ro", keyWord("ro")), ("want", keyWord("want"))] {
      let bytes = Array(text.utf8)
      #expect(
        DictionaryKey(BencodeValue(.string, from: 0, to: bytes.count), in: bytes.span.bytes).word == word)
    }
  }

  @Test("short bytes of every length are read up to the last byte of a datagram")
  func shortBytes() {
    var source = SplitMix64(seed: 13)
    for length in 0...40 {
      let content = source.bytes(length)
      for behind in 0...8 {
        let datagram = content + [UInt8](repeating: 0xFF, count: behind)
        let read = BencodeValue(.string, from: 0, to: length).shortBytes(in: datagram.span.bytes)
        #expect(read == (length == 0 ? nil : ShortBytes(content)), "\(length) bytes and \(behind) behind")
      }
    }
  }

  @Test("integers of every length are read and written")
  func integers() throws {
    var numbers: [Int64] = [0, .max]
    var power: Int64 = 1
    for _ in 1...18 {
      numbers += [power - 1, power, power + 1]
      power *= 10
    }
    numbers += [power - 1, power]
    for number in numbers {
      let message = Message(
        transaction: short("aa"),
        body: .response(Response(sender: id("abcdefghij0123456789"), storedSeq: number)))
      #expect(encodedText(message).contains("3:seqi\(number)e"))
      #expect(try decoded(encoded(message)) == message)
      for signed in [number, -number] where signed != 0 || number == 0 {
        let text = Array("\(signed)".utf8)
        #expect(
          BencodeValue(.integer, from: 0, to: text.count).integer(in: text.span.bytes) == signed)
      }
    }
    for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
      let bytes = Array(text.utf8)
      #expect(BencodeValue(.integer, from: 0, to: bytes.count).integer(in: bytes.span.bytes) == nil)
    }
  }

  @Test("longer data than a datagram is written completely after the content of the buffer")
  func long() throws {
    var source = SplitMix64(seed: 14)
    for length in [1_000, 2_300, 2_400, 5_000, 100_000] {
      let record = Record(
        plainKey: Array("k".utf8), value: source.bytes(length), version: .random(using: &source))
      let held = Message(
        transaction: short("aa"),
        body: .response(
          Response(
            sender: NodeID(random: &source), nodes: .random(v4: 200, v6: 200, using: &source),
            held: .record(record))))
      var buffer = Array("before".utf8)
      KRPC.encode(held, appendingTo: &buffer)
      #expect(buffer.starts(with: Array("before".utf8)))
      var reader = BencodeReader(at: 6)
      _ = try reader.value(in: buffer.span.bytes, depth: 1)
      #expect(reader.position == buffer.count && reader.flaw == nil)
      let end = Array("1:v\(length):".utf8) + record.value + Array("e1:t2:aa1:v4:dh\u{0}\u{1}1:y1:re".utf8)
      #expect(buffer.suffix(end.count) == end[...])
      // The nodes are left out.
      #expect(buffer.count < end.count + 150)
    }
  }
}
