import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("limits of decoding")
struct LimitsTests {
  @Test("a value of any depth is read")
  func depth() throws {
    func nested(_ levels: Int, _ open: String, _ core: String = "") -> String {
      String(repeating: open, count: levels) + core + String(repeating: "e", count: levels)
    }
    for levels in [1, 13, 14, 15, 16, 100, 10_000] {
      for value in [nested(levels, "l"), nested(levels, "d1:a", "0:"), nested(levels, "d1:ale1:b", "0:")] {
        #expect(try query(queryText("ping", "1:x\(value)")).method == .ping)
      }
    }
    // As a value it is limited by its size alone.
    for value in [nested(15, "l"), nested(500, "l"), nested(15, "d1:a", "0:"), "l\(nested(15, "l"))i7ee"] {
      #expect(KRPC.isCanonical(Array(value.utf8)))
      let record = Record(immutable: Array(value.utf8), expiry: RecordVersion.noExpiry)
      let put = try query(queryText("put", "5:token1:t1:v\(value)")).method
      #expect(put == .put(record, token: short("t"), cas: nil))
      #expect(try response(responseText("1:v\(value)")).held == .record(record))
    }
    #expect(code(malformed(queryText("put", "5:token1:t1:v\(nested(501, "l"))"))) == 205)
    #expect(malformed(String(repeating: "d1:x", count: 100_000))?.reason == .truncated)
    #expect(malformed("d1:x" + String(repeating: "l", count: 100_000))?.reason == .truncated)
    #expect(malformed(queryText("ping", "1:x" + nested(20, "d1:a")))?.reply == nil)
  }

  @Test("keys out of order are refused at any depth of a value")
  func deepKeys() {
    for levels in [0, 10, 15, 16, 17, 40] {
      let (lists, ends) = (String(repeating: "l", count: levels), String(repeating: "e", count: levels))
      let value = "\(lists)d1:b0:1:a0:e\(ends)"
      #expect(!KRPC.isCanonical(Array(value.utf8)))
      #expect(code(malformed(queryText("put", "5:token1:t1:v\(value)"))) == 203)
    }
  }

  @Test("a dictionary may have any number of keys in order, and 32 out of order")
  func keys() throws {
    // Two digits each, so that the order of the text is that of the numbers.
    func entries(_ numbers: some Sequence<Int>) -> String {
      numbers.map { "3:x\($0)0:" }.joined()
    }
    #expect(try query(queryText("ping", entries(10...99))).method == .ping)
    // With `id` before them.
    let most = KRPC.maxUnsortedKeys
    #expect(try query(queryText("ping", entries((10..<9 + most).reversed()))).method == .ping)
    let refused = malformed(queryText("ping", entries((10..<10 + most).reversed())))
    #expect(refused?.reason == .tooManyUnsortedKeys)
    #expect(code(refused) == 203)
    let nested = malformed(queryText("ping", "1:xd" + entries((10...99).reversed()) + "e"))
    #expect(nested?.reason == .tooManyUnsortedKeys)
  }

  @Test("a duplicate key is found among as many as are compared")
  func lastOfMany() {
    let numbers = Array((10..<8 + KRPC.maxUnsortedKeys).reversed())
    let entries = (numbers + [numbers[0]]).map { "3:x\($0)0:" }.joined()
    #expect(malformed(queryText("ping", entries))?.reason == .duplicateKey)
  }

  @Test("keys that are prefixes of one another are different")
  func prefixes() throws {
    let text = queryText("ping", "1:x0:2:xx0:3:xxx0:0:0:4:xxxx0:")
    #expect(try query(text).method == .ping)
  }

  @Test(
    "a datagram of the largest size is read in a moment, whatever is in it",
    .timeLimit(.minutes(1)))
  func largest() throws {
    // As many keys out of order as can be compared, in as many dictionaries as there is room for.
    let keys = (10..<10 + KRPC.maxUnsortedKeys).reversed().map { "2:\($0)le" }.joined()
    let text = queryText("ping", "1:xl" + String(repeating: "d\(keys)e", count: 330) + "e")
    #expect(text.utf8.count > 60_000)
    for _ in 0..<10 { #expect(try query(text).method == .ping) }
  }

  @Test("the transaction may have up to 32 bytes and comes back as it was")
  func transactions() throws {
    var source = SplitMix64(seed: 4)
    for length in 0...ShortBytes.capacity {
      let transaction = try #require(ShortBytes(source.bytes(length)))
      let message = Message(
        transaction: transaction, body: .response(Response(sender: NodeID(random: &source))))
      #expect(try decoded(encoded(message)).transaction == transaction)
    }
  }

  @Test("every field is recognised by its key, and no other key is")
  func fields() {
    func field(_ key: String) -> MalformedMessage.Field? {
      let bytes = Array(key.utf8)
      let string = BencodeValue(.string, from: 0, to: bytes.count)
      return MalformedMessage.Field(DictionaryKey(string, in: bytes.span.bytes), in: bytes.span.bytes)
    }
    for known in MalformedMessage.Field.allCases {
      #expect(field(known.rawValue) == known)
      #expect(field(known.rawValue + "x") == nil)
      #expect(field(known.rawValue.uppercased()) == nil)
      #expect(field(String(known.rawValue.dropLast()) + "?") == nil)
    }
    #expect(field("") == nil)
    #expect(field("x") == nil)
    #expect(field("pepper") == nil)
  }

  @Test("r in a query and a in an answer are ordinary keys")
  func bothDictionaries() throws {
    let arguments = "1:ad2:id20:abcdefghij0123456789e"
    let results = "1:rd2:id20:0123456789abcdefghij3:seqi7ee"
    let asked = try query("d\(arguments)1:q4:ping\(results)1:t2:aa1:y1:qe")
    #expect(asked == Query(sender: id("abcdefghij0123456789"), method: .ping))
    let answered = try response("d\(results)\(arguments)1:t2:aa1:y1:re")
    #expect(answered == Response(sender: id("0123456789abcdefghij"), storedSeq: 7))
  }
}
