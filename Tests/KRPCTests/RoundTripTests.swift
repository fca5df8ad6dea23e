import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("round trips of messages")
struct RoundTripTests {
  @Test("20,000 random messages of every method survive a round trip")
  func roundTrip() throws {
    var source = SplitMix64(seed: 5)
    var buffer = [UInt8]()
    for _ in 0..<20_000 {
      let message = Message.random(using: &source)
      buffer.removeAll(keepingCapacity: true)
      KRPC.encode(message, appendingTo: &buffer)
      let read = try KRPC.decode(buffer.span.bytes)
      if read != message {
        Issue.record("\(message) came back as \(read)")
        return
      }
    }
  }

  @Test("the computed size of a message is exact")
  func size() {
    var source = SplitMix64(seed: 9)
    for _ in 0..<20_000 {
      let message = Message.random(using: &source)
      let size = KRPC.encodedSize(message)
      let written = encoded(message).count
      if size != written {
        Issue.record("\(message) has \(written) bytes and not \(size)")
        return
      }
    }
  }

  @Test("encoded messages are canonical: keys are sorted at every level")
  func canonical() throws {
    var source = SplitMix64(seed: 6)
    for _ in 0..<2_000 {
      let datagram = encoded(.random(using: &source))
      var reader = BencodeReader()
      let value = try reader.value(in: datagram.span.bytes, depth: 1)
      #expect(value.form == .dictionary && value.isCanonical && reader.flaw == nil)
      #expect(reader.position == datagram.count)
    }
  }

  @Test("a buffer is replaced")
  func reused() throws {
    var source = SplitMix64(seed: 7)
    var buffer = Array("what was there before".utf8)
    let message = Message.random(using: &source)
    buffer.removeAll(keepingCapacity: true)
    KRPC.encode(message, appendingTo: &buffer)
    #expect(buffer == encoded(message))
  }

  @Test("keys are accepted in any order")
  func anyOrder() throws {
    var source = SplitMix64(seed: 8)
    var arguments = [
      "3:casi6e", "3:expi9e", "2:id20:abcdefghij0123456789", "3:key5:hello", "3:seqi7e", "5:token1:t",
      "1:v5:world", "7:unknownd1:b0:1:a0:e",
    ]
    let record = Record(
      plainKey: Array("hello".utf8), value: Array("world".utf8),
      version: RecordVersion(seq: 7, expiry: 9))
    let expected = Query(
      sender: id("abcdefghij0123456789"), method: .put(record, token: short("t"), cas: 6),
      isReadOnly: true)
    for _ in 0..<500 {
      arguments.shuffle(using: &source)
      var entries = ["1:ad\(arguments.joined())e", "1:q3:put", "2:roi1e", "1:t2:aa", "1:v2:XY", "1:y1:q"]
      entries.shuffle(using: &source)
      #expect(try query("d\(entries.joined())e") == expected)
    }
  }

  @Test("integers of 64 bits are read and written exactly")
  func integers() throws {
    let numbers: [Int64] = [0, 1, 9, 10, 99, 100, 1 << 53, .max - 1, .max]
    for number in numbers {
      let version = RecordVersion(seq: number, expiry: .max - number)
      let message = Message(
        transaction: short("aa"),
        body: .response(Response(sender: id("abcdefghij0123456789"), held: .version(version))))
      #expect(try decoded(encoded(message)) == message)
    }
    for code in [Int.min, .min + 1, -1, 0, .max] {
      let message = Message(transaction: short("aa"), body: .error(RPCError(code, "")))
      #expect(try decoded(encoded(message)) == message)
    }
  }
}
