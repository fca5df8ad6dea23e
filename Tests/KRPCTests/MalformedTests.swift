import Kademlia
import Testing

@testable import KRPC

@Suite("malformed messages")
struct MalformedTests {
  private static let key = String(repeating: "k", count: 32)
  private static let signature = String(repeating: "s", count: 64)
  private static let target = "6:target20:mnopqrstuvwxyz123456"

  /// A query, the code it is answered with, and a word of the text.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let text: String
    let code: Int
    let naming: String
    var testDescription: String { text }

    init(_ text: String, _ code: Int, naming: String) {
      self.text = text
      self.code = code
      self.naming = naming
    }
  }

  private static func put(before: String = "3:expi9e", _ arguments: String) -> String {
    queryText("put", before: before, arguments)
  }

  static let refusals = [
    Refusal("d1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'a'"),
    Refusal("d1:ale1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'a'"),
    Refusal("d1:ade1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad2:id21:abcdefghij0123456789xe1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad2:idi5ee1:q4:ping1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad\(target)e1:q9:find_node1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad\(target)e1:q4:vote1:t2:aa1:y1:qe", 203, naming: "'id'"),
    Refusal("d1:ad2:id20:abcdefghij0123456789e1:t2:aa1:y1:qe", 203, naming: "'q'"),
    Refusal("d1:ad2:id20:abcdefghij0123456789e1:qi4e1:t2:aa1:y1:qe", 203, naming: "'q'"),
    Refusal(queryText("find_node"), 203, naming: "'target'"),
    Refusal(queryText("find_node", "6:target19:mnopqrstuvwxyz12345"), 203, naming: "'target'"),
    Refusal(queryText("find_node", "6:targeti5e"), 203, naming: "'target'"),
    Refusal(queryText("get"), 203, naming: "'target'"),
    Refusal(queryText("get", "6:target0:"), 203, naming: "'target'"),
    Refusal(queryText("get", "3:seqi-1e\(target)"), 203, naming: "'seq'"),
    Refusal(queryText("get", "3:seq1:1\(target)"), 203, naming: "'seq'"),
    Refusal(queryText("get", "3:seqi9223372036854775808e\(target)"), 203, naming: "'seq'"),
    Refusal(queryText("get", "4:kind5:spoon\(target)"), 203, naming: "'kind'"),
    Refusal(queryText("get", "4:kindi1e\(target)"), 203, naming: "'kind'"),
    Refusal(queryText("vote"), 204, naming: "method"),
    Refusal(queryText("vote", "6:target3:abc"), 204, naming: "method"),
    Refusal(queryText(""), 204, naming: "method"),
    Refusal("d1:q4:vote1:t2:aa1:y1:qe", 204, naming: "method"),
    Refusal("d1:y1:q1:ade1:q4:ping1:t2:aa1:adee", 203, naming: "same key twice"),
    Refusal("d1:ade1:q4:ping1:t2:aa1:x0:1:x0:1:y1:qe", 203, naming: "same key twice"),
    Refusal(put("3:key1:k3:seqi7e1:v1:x"), 203, naming: "'token'"),
    Refusal(put("3:key1:k3:seqi7e5:token0:1:v1:x"), 203, naming: "'token'"),
    Refusal(
      put("3:key1:k3:seqi7e5:token33:\(String(repeating: "t", count: 33))1:v1:x"), 203,
      naming: "'token'"),
    Refusal(put("1:k32:\(key)3:seqi7e5:token1:t1:v1:x"), 203, naming: "'sig'"),
    Refusal(put("3:seqi7e3:sig64:\(signature)5:token1:t1:v1:x"), 203, naming: "'k'"),
    Refusal(put("1:k31:\(key.dropLast())3:seqi7e3:sig64:\(signature)5:token1:t1:v1:x"), 203, naming: "'k'"),
    Refusal(put("1:k32:\(key)3:seqi7e3:sig63:\(signature.dropLast())5:token1:t1:v1:x"), 203, naming: "'sig'"),
    Refusal(put("1:k32:\(key)3:sig64:\(signature)5:token1:t1:v1:x"), 203, naming: "'seq'"),
    Refusal(put("1:k32:\(key)4:salti1e3:seqi7e3:sig64:\(signature)5:token1:t1:v1:x"), 203, naming: "'salt'"),
    Refusal(
      put("1:k32:\(key)4:salt65:\(signature)s3:seqi7e3:sig64:\(signature)5:token1:t1:v1:x"), 207,
      naming: "'salt'"),
    Refusal(put(before: "", "5:token1:t1:v997:\(String(repeating: "v", count: 997))"), 205, naming: "1000"),
    Refusal(put(before: "", "5:token1:t1:vd1:bi1e1:ai2ee"), 203, naming: "canonical"),
    Refusal(put("3:key0:3:seqi7e5:token1:t1:v1:x"), 203, naming: "'key'"),
    Refusal(put("3:keyi1e3:seqi7e5:token1:t1:v1:x"), 203, naming: "'key'"),
    Refusal(put("3:key1:k3:seqi7e5:token1:t"), 203, naming: "'v'"),
    Refusal(put("3:key1:k3:seqi7e5:token1:t1:vi1e"), 203, naming: "'v'"),
    Refusal(put("3:key1:k3:seqi7e5:token1:t1:vl1:xe"), 203, naming: "'v'"),
    Refusal(put("3:key1:k3:seqi7e5:token1:t1:vd1:bi1e1:ai1ee"), 203, naming: "'v' is not canonical"),
    Refusal(put("3:key1:k3:seqi7e5:token1:t1:vld1:bi1e1:ai1eee"), 203, naming: "not canonical"),
    Refusal(put(before: "", "5:token1:t1:vd1:bi1e1:ai1ee"), 203, naming: "'v' is not canonical"),
    Refusal(put("3:key1:k5:token1:t1:v1:x"), 203, naming: "'seq'"),
    Refusal(put("3:key1:k3:seqi-7e5:token1:t1:v1:x"), 203, naming: "'seq'"),
    Refusal(put("3:key1:k3:seq1:75:token1:t1:v1:x"), 203, naming: "'seq'"),
    Refusal(put(before: "", "3:key1:k3:seqi7e5:token1:t1:v1:x"), 203, naming: "'exp'"),
    Refusal(put(before: "3:expi-1e", "3:key1:k3:seqi7e5:token1:t1:v1:x"), 203, naming: "'exp'"),
    Refusal(put(before: "3:expi9e", "3:key1:k3:seqi7e5:token1:t1:v1:x3:casi-1e"), 203, naming: "'cas'"),
    Refusal(put(before: "3:cas1:13:expi9e", "3:key1:k3:seqi7e5:token1:t1:v1:x"), 203, naming: "'cas'"),
    Refusal(
      put(before: "3:deli1e3:expi9e", "3:key1:k3:seqi7e5:token1:t1:v1:x"), 203, naming: "empty"),
    Refusal(put(before: "3:deli0e3:expi9e", "3:key1:k3:seqi7e5:token1:t1:v0:"), 203, naming: "'del'"),
    Refusal(put(before: "3:del1:13:expi9e", "3:key1:k3:seqi7e5:token1:t1:v0:"), 203, naming: "'del'"),
  ]

  @Test("an invalid query is answered with the reason", arguments: refusals)
  func refused(_ refusal: Refusal) throws {
    let refused = try #require(malformed(refusal.text))
    let reply = try #require(refused.reply)
    #expect(reply.transaction == short("aa"))
    guard case .error(let error) = reply.body else {
      Issue.record("the reply is no error")
      return
    }
    #expect(error.code == refusal.code)
    #expect(error.message == refused.reason.description)
    #expect(error.message.contains(refusal.naming))
    #expect(try decoded(encoded(reply)) == reply)
  }

  @Test(
    "non-canonical bencoding anywhere in a query is refused with 203",
    arguments: [
      ("1:xi01e", MalformedMessage.Reason.nonCanonicalInteger),
      ("1:xi-0e", .nonCanonicalInteger), ("1:xi-01e", .nonCanonicalInteger),
      ("1:xi00e", .nonCanonicalInteger), ("1:vli00ee", .nonCanonicalInteger),
      ("1:x01:y", .nonCanonicalLength), ("1:x00:", .nonCanonicalLength),
      ("01:x0:", .nonCanonicalLength), ("2:id20:abcdefghij0123456789", .duplicateKey),
      ("1:xd1:ai1e1:ai1ee", .duplicateKey), ("1:xd1:b0:1:a0:1:b0:e", .duplicateKey),
      ("1:xld1:b0:1:a0:1:a0:ee", .duplicateKey), ("1:x0:1:w0:1:x0:", .duplicateKey),
      ("0:0:0:0:", .duplicateKey), ("1:xlld0:0:0:0:eee", .duplicateKey),
    ])
  func flaws(_ entry: String, reason: MalformedMessage.Reason) throws {
    let refused = malformed(queryText("ping", entry))
    #expect(refused?.reason == reason)
    #expect(code(refused) == 203)
    // In an answer the entry is passed over, and the rest counts.
    let answer = try response(responseText("\(entry)5:token2:ok"))
    #expect(answer == Response(sender: id("0123456789abcdefghij"), token: short("ok")))
  }

  @Test(
    "an odd field of an answer is dropped, and a value that proves itself counts",
    arguments: [
      "5:nodes27:xxxxxxxxxxxxxxxxxxxxxxxxxxx", "5:nodesle", "5:nodesi1e", "5:nodesde", "6:nodes61:x",
      "6:nodes6le", "4:losti1e", "4:lost1:x", "4:lostle", "2:kv1:1", "2:kvle", "2:kvi01e", "3:seq1:x",
      "3:seqi-1e", "3:seqi01e", "5:token0:", "5:tokenle", "5:tokeni1e",
      "5:token33:ttttttttttttttttttttttttttttttttt", "1:k1:x", "1:kle", "3:sig1:x", "3:sigi1e", "3:key0:",
      "3:keyi1e", "4:salti1e", "4:kindle", "6:targeti1e", "9:info_hash1:x", "3:casle", "3:del1:x",
      "4:want1:x", "5:noncei1e", "1:xi01e", "1:xd1:ai1e1:ai1ee", "1:x01:y", "1:x0:1:x0:",
      "1:x" + String(repeating: "l", count: 20) + "d1:b0:1:a0:e" + String(repeating: "e", count: 20),
    ])
  func oddFields(_ entry: String) throws {
    let node = Peer(id: id("mnopqrstuvwxyz123456"), endpoint: Endpoint(.v4(0x0A00_0001), port: 8001))
    let nodes = "5:nodes26:mnopqrstuvwxyz123456\u{0A}\u{0}\u{0}\u{1}\u{1F}A"
    let record = Record(immutable: Array("5:hello".utf8), expiry: RecordVersion.noExpiry)
    for text in ["\(entry)1:v5:hello", "1:v5:hello\(entry)"] {
      let answer = try response(responseText(text))
      #expect(answer.held == .record(record))
      #expect(answer.sender == id("0123456789abcdefghij"))
    }
    #expect(try response(responseText("1:v5:hello3:exp1:x")).held == .record(record))
    if !entry.hasPrefix("5:nodes") {
      #expect(try response(responseText("\(entry)\(nodes)")).nodes == [node])
    }
    // A signed value proves itself, too.
    guard !entry.hasPrefix("1:k"), !entry.hasPrefix("3:sig"), !entry.hasPrefix("3:seq") else { return }
    let signed = "1:k32:\(Self.key)3:seqi7e3:sig64:\(Self.signature)1:v5:hello"
    guard case .record(let shown)? = try response(responseText(entry + signed)).held else {
      Issue.record("no record beside \(entry)")
      return
    }
    #expect(shown.id.kind == .signed)
    #expect(shown.version == RecordVersion(seq: 7, expiry: RecordVersion.noExpiry))
  }

  @Test(
    "odd entries outside of r are passed over, too",
    arguments: ["1:xi01e", "1:x0:1:x0:", "2:ipi1e", "2:ip3:abc", "2:ro1:x", "1:vi01e", "1:rde", "1:ele"])
  func oddEntries(_ entry: String) throws {
    let sender = "1:rd2:id20:0123456789abcdefghije"
    #expect(
      try response("d\(sender)\(entry)1:t2:aa1:y1:re") == Response(sender: id("0123456789abcdefghij")))
  }

  @Test("the first of two equal fields counts")
  func duplicates() throws {
    let answer = try response(responseText("5:token1:a5:token1:b1:v1:x1:v1:y"))
    #expect(answer.token == short("a"))
    #expect(answer.held == .record(Record(immutable: Array("1:x".utf8), expiry: RecordVersion.noExpiry)))
  }

  @Test(
    "an error without a code is a refusal all the same",
    arguments: [
      "d1:t2:aa1:y1:ee", "d1:ele1:t2:aa1:y1:ee", "d1:ei201e1:t2:aa1:y1:ee", "d1:el3:201e1:t2:aa1:y1:ee",
      "d1:eli9223372036854775808ee1:t2:aa1:y1:ee",
    ])
  func oddErrors(_ text: String) throws {
    #expect(try decoded(text).body == .error(RPCError(RPCError.generic, "")))
  }

  @Test("announce_peer is refused, whatever it carries, and get_peers is answered as find_node")
  func bitTorrent() throws {
    let hash = "9:info_hash20:mnopqrstuvwxyz123456"
    for arguments in ["", hash, "\(hash)4:porti6881e5:token1:t", "\(hash)\(Self.target)"] {
      #expect(code(malformed(queryText("announce_peer", arguments))) == 204)
    }
    #expect(code(malformed("d1:q13:announce_peer1:t2:aa1:y1:qe")) == 204)
    #expect(try query(queryText("get_peers", hash)).method == .findNode(target: id("mnopqrstuvwxyz123456")))
  }

  @Test("a query with a transaction that is too long is refused with all of it", arguments: [33, 64, 512])
  func longTransactions(length: Int) throws {
    let transaction = String(repeating: "t", count: length)
    let text = queryText("ping").replacing("1:t2:aa", with: "1:t\(length):\(transaction)")
    let refused = try #require(malformed(text))
    #expect(code(refused) == 203)
    let reply = try #require(refused.reply)
    #expect(encodedText(reply).contains("1:t\(length):\(transaction)1:v"))
    #expect(encoded(reply).count == KRPC.encodedSize(reply))
    #expect(encoded(reply).count <= KRPC.maxDatagramSize)
    // An answer with one belongs to no query of this node.
    #expect(malformed(responseText().replacing("2:aa", with: "\(length):\(transaction)"))?.reply == nil)
  }

  @Test("well-formed values under unknown keys are ignored")
  func unknownKeys() throws {
    let text =
      "d0:le1:ad2:id20:abcdefghij01234567891:xi-123456789012345678901234567890e1:yd1:ali0eeee"
      + "2:ip6:abcdxy1:q4:ping1:t2:aa1:v4:XY001:xd1:b0:1:a0:1:y0:e1:y1:qe"
    #expect(try decoded(text).body == .query(Query(sender: id("abcdefghij0123456789"), method: .ping)))
  }

  @Test(
    "v names a client, or anything, or is missing",
    arguments: ["", "1:v0:", "1:v4:LT\u{1}\u{2}", "1:vi5e", "1:vle"])
  func clients(_ entry: String) throws {
    let text = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa\(entry)1:y1:qe"
    #expect(try query(text).method == .ping)
  }

  @Test(
    "invalid messages are not answered",
    arguments: [
      "", "d", "e", "l", "i", "-", "le", "i1e", "4:ping", "0:", "x", "de", "dede", "d1:",
      "d1:q4:ping1:y1:qe", "d1:ade1:q4:ping1:ti5e1:y1:qe",
      "d1:ade1:q4:ping1:t513:\(String(repeating: "t", count: 513))1:y1:qe",
      "d1:ade1:q4:ping1:t2:aae", "d1:ade1:q4:ping1:t2:aa1:y0:e", "d1:ade1:q4:ping1:t2:aa1:y2:qqe",
      "d1:ade1:q4:ping1:t2:aa1:y1:xe", "d1:ade1:q4:ping1:t2:aa1:yi1ee",
      // Two of what makes a query one.
      "d1:ade1:q4:ping1:t2:aa1:t2:bb1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:y1:q1:y1:re",
      // Not bencoding.
      "d1:ade1:q4:ping1:t2:aa1:y1:qee", "d1:ade1:q4:ping1:t2:aa1:y1:qe ", "d1:ade1:q4:ping1:t2:aa1:y1:q",
      "d1:ade1:q4:ping1:t2:aa1:xie1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:xi-e1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:xi+1e1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:xi1.5e1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:xi--1e1:y1:qe", "d1:ade1:q4:ping1:t2:aai1e0:1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:x99999999999999999999:1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:x-1:1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:x9223372036854775807:1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:x:1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:x1:y1:qe", "d1:ade1:q4:ping1:t2:aalee1:y1:qe",
      "d1:ade1:q4:ping1:t2:aa1:xd1:ae1:y1:qe", "d1:ad1:xi1", "d1:xi", "d1:x99", "d1:xl", "d1:xd1:a",
      // Answers and errors.
      "d1:t2:aa1:y1:re", "d1:rle1:t2:aa1:y1:re", "d1:rde1:t2:aa1:y1:re",
      "d1:rd2:id19:abcdefghij012345678e1:t2:aa1:y1:re",
    ])
  func silence(_ text: String) throws {
    let ignored = try #require(malformed(text))
    #expect(ignored.reply == nil)
    #expect(!ignored.reason.description.isEmpty)
  }

  @Test("the reason names the problem")
  func reasons() {
    #expect(malformed("")?.reason == .notADictionary)
    #expect(malformed("le")?.reason == .notADictionary)
    #expect(malformed("d1:t")?.reason == .truncated)
    #expect(malformed("d1:t9:a")?.reason == .truncated)
    #expect(malformed("d1:tx")?.reason == .unexpectedByte(at: 4))
    #expect(malformed("dee")?.reason == .trailingBytes)
    #expect(malformed("de")?.reason == .noTransaction)
    #expect(malformed("d1:t1:ae")?.reason == .noType)
    #expect(malformed("d1:t1:a1:t1:be")?.reason == .duplicateKey)
    #expect(malformed(responseText().replacing("1:rd", with: "1:sd"))?.reason == .noFields)
  }

  @Test("an error keeps 256 bytes of its text in whole characters, and invalid text is replaced")
  func errorTexts() throws {
    func text(_ bytes: [UInt8]) throws -> String {
      let datagram =
        Array("d1:eli203e\(bytes.count):".utf8) + bytes + Array("5:extrae1:t2:aa1:y1:ee".utf8)
      let message = try decoded(datagram)
      guard case .error(let error) = message.body else { return "" }
      #expect(error.code == 203)
      #expect(try decoded(encoded(message)) == message)
      return error.message
    }
    #expect(try text(Array("invalid token".utf8)) == "invalid token")
    #expect(try text(Array(String(repeating: "x", count: 1000).utf8)).utf8.count == 256)
    #expect(try text(Array(String(repeating: "€", count: 100).utf8)).utf8.count <= 256)
    #expect(try text([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
    #expect(try text([UInt8](repeating: 0xFF, count: 300)) == String(repeating: "\u{FFFD}", count: 85))
    #expect(try decoded("d1:eli203ee1:t2:aa1:y1:ee").body == .error(RPCError(203, "")))
    #expect(try decoded("d1:eli-5elee1:t2:aa1:y1:ee").body == .error(RPCError(-5, "")))
    let long = Message(
      transaction: short("aa"), body: .error(RPCError(201, String(repeating: "é", count: 5000))))
    #expect(try decoded(encoded(long)).body == .error(RPCError(201, String(repeating: "é", count: 128))))
  }
}
