import Kademlia
import SeededRandom
import Signatures
import Testing

@testable import KRPC

@Suite("records on the wire")
struct RecordMessageTests {
  @Test("a record in an answer has key, v, seq and exp")
  func heldRecord() throws {
    let text = responseText(
      before: "3:expi1700000000e", "3:key5:hello2:kvi1e3:seqi7e5:token4:toke1:v5:world")
    let version = RecordVersion(seq: 7, expiry: 1_700_000_000)
    let record = Record(
      plainKey: Array("hello".utf8), value: Array("world".utf8), version: version)
    let answer = try response(text)
    #expect(answer.held == .record(record))
    #expect(answer.keepsPlainRecords)
    #expect(answer.storedSeq == nil)
    let message = Message(transaction: short("aa"), body: .response(answer))
    #expect(try decoded(encoded(message)) == message)
  }

  @Test("seq and exp alone are a held version")
  func heldVersion() throws {
    let answer = try response(responseText(before: "3:deli1e3:expi9e", "3:seqi7e"))
    #expect(answer.held == .version(RecordVersion(seq: 7, expiry: 9, isTombstone: true)))
    #expect(answer.storedSeq == nil)
  }

  @Test("seq alone confirms a put")
  func storedSeq() throws {
    let answer = try response(responseText("3:seqi7e"))
    #expect(answer.held == nil)
    #expect(answer.storedSeq == 7)
    #expect(try response(responseText("3:seqi-7e")).storedSeq == nil)
    #expect(try response(responseText("3:seq1:7")).storedSeq == nil)
    #expect(try response(responseText("3:seqi7e1:v1:x")).storedSeq == nil)
    #expect(try response(responseText("3:key1:k3:seqi7e1:v1:x")).storedSeq == nil)
  }

  @Test(
    "an invalid record is at most an immutable one, and the rest of the answer counts",
    arguments: [
      ("3:expi9e", "3:key0:3:seqi7e1:v1:x"), ("3:expi9e", "3:keyi1e3:seqi7e1:v1:x"),
      ("3:expi9e", "3:key1:k3:seqi-7e1:v1:x"), ("3:expi-9e", "3:key1:k3:seqi7e1:v1:x"),
      ("3:exp1:9", "3:key1:k3:seqi7e1:v1:x"), ("3:expi9e", "3:key1:k1:v1:x"),
      ("3:expi9e", "3:key1:k3:seqi7e"), ("3:expi9e", "1:k1:k3:seqi7e1:v1:x"),
      ("3:expi9e", "3:key1:k3:seqi7e1:vi1e"), ("3:deli1e3:expi9e", "3:key1:k3:seqi7e1:v1:x"),
      ("3:deli0e3:expi9e", "3:key1:k3:seqi7e1:v1:x"), ("3:deli2e3:expi9e", "3:seqi7e"),
      ("3:expi9223372036854775808e", "3:key1:k3:seqi7e1:v1:x"), ("3:expi9e", ""),
    ])
  func brokenRecord(before: String, results: String) throws {
    let answer = try response(responseText(before: before, results))
    // The core sees that the value is not the one that it asked for.
    switch answer.held {
    case .record(let record): #expect(record.id.kind == .immutable)
    case .version: Issue.record("a version was read")
    case nil: break
    }
    #expect(answer.storedSeq == nil)
    #expect(answer.sender == id("0123456789abcdefghij"))
  }

  @Test("a tombstone has an empty value, and an empty value is not a tombstone")
  func tombstones() throws {
    let rest = "3:key1:k3:seqi7e5:token1:t1:v0:"
    let deletion = try query(queryText("put", before: "3:deli1e3:expi9e", rest)).method
    let empty = try query(queryText("put", before: "3:expi9e", rest)).method
    let key = Array("k".utf8)
    let version = RecordVersion(seq: 7, expiry: 9)
    let dead = RecordVersion(seq: 7, expiry: 9, isTombstone: true)
    #expect(
      deletion == .put(Record(plainKey: key, value: [], version: dead), token: short("t"), cas: nil))
    #expect(
      empty == .put(Record(plainKey: key, value: [], version: version), token: short("t"), cas: nil))
  }

  @Test("a token has 1 to 32 bytes, and any other is ignored")
  func tokens() throws {
    let longest = String(repeating: "t", count: 32)
    #expect(try response(responseText("5:token32:\(longest)")).token == short(longest))
    #expect(try response(responseText("5:token33:\(longest)t")).token == nil)
    #expect(try response(responseText("5:token0:")).token == nil)
    #expect(try response(responseText("5:tokeni5e")).token == nil)
  }

  @Test("kv is 1 where plain records are kept")
  func keepsPlainRecords() throws {
    #expect(try response(responseText("2:kvi1e")).keepsPlainRecords)
    for other in ["i0e", "i2e", "i-1e", "1:1", "de"] {
      #expect(try response(responseText("2:kv\(other)")).keepsPlainRecords == false)
    }
  }

  @Test("key and value may have 1,000 bytes together, in a put and in an answer")
  func payloadLimit() throws {
    func arguments(_ size: Int) -> String {
      let value = String(repeating: "v", count: size - 4)
      return "3:key4:keys3:seqi7e5:token1:t1:v\(value.utf8.count):\(value)"
    }
    guard
      case .put(let record, _, _) = try query(
        queryText("put", before: "3:expi9e", arguments(1000))
      ).method
    else {
      Issue.record("no put")
      return
    }
    #expect(record.payloadSize == KRPC.maxRecordPayload)
    let refused = malformed(queryText("put", before: "3:expi9e", arguments(1001)))
    #expect(refused?.reason == .payloadTooBig)
    #expect(code(refused) == 205)
    #expect(try response(responseText(before: "3:expi9e", arguments(1000))).held != nil)
    #expect(try response(responseText(before: "3:expi9e", arguments(1001))).held == nil)
  }

  @Test("the largest put of a dhtd fits into a datagram")
  func largestPut() {
    var source = SplitMix64(seed: 1)
    let version = RecordVersion(seq: 4_102_444_800_000_000, expiry: 4_102_444_800)
    let record = Record(
      plainKey: source.bytes(500), value: source.bytes(500), version: version)
    let token = ShortBytes(source.bytes(ShortBytes.capacity)) ?? ShortBytes()
    let query = Query(
      sender: NodeID(random: &source),
      method: .put(record, token: token, cas: version.seq), isReadOnly: true)
    let datagram = encoded(Message(transaction: ShortBytes(7), body: .query(query)))
    #expect(datagram.count <= KRPC.maxDatagramSize)
  }

  @Test("a maximal item of BEP 44 fits into a datagram, and one byte more is refused")
  func fullItems() throws {
    for (kind, size) in [(RecordKind.immutable, 996), (.signed, 996), (.immutable, 997), (.signed, 997)] {
      let value = SignedText.bencoded([UInt8](repeating: 0x76, count: size))
      let authorship = Record.Authorship(
        owner: try #require(PublicKey([UInt8](repeating: 1, count: 32))),
        salt: [UInt8](repeating: 2, count: 64),
        signature: try #require(Signature([UInt8](repeating: 3, count: 64))))
      let record =
        kind == .signed
        ? Record(signed: authorship, value: value, seq: .max, expiry: .max)
        : Record(immutable: value, expiry: .max)
      let put = Message(
        transaction: short("aa"),
        body: .query(
          Query(
            sender: id("abcdefghij0123456789"),
            method: .put(record, token: short(String(repeating: "t", count: 32)), cas: .max))))
      let written = encoded(put)
      #expect(written.count <= 1_400)
      if size == 996 {
        #expect(try decoded(written) == put)
      } else {
        #expect(code(malformed(written)) == RPCError.tooBig)
      }
    }
  }

  @Test("the value of an item is kept byte for byte, whatever its type")
  func types() throws {
    for value in ["i-42e", "le", "l4:spam4:eggse", "d1:ai2e1:bl1:xee", "0:", "12:Hello World!"] {
      let answer = try response(responseText("5:token1:t1:v\(value)"))
      #expect(
        answer.held == .record(Record(immutable: Array(value.utf8), expiry: RecordVersion.noExpiry)))
    }
  }
}
