import Kademlia
import Signatures
import Testing

@testable import KRPC

/// The examples that the specifications print.
@Suite("the examples of the specifications")
struct SpecificationTests {
  let querying = id("abcdefghij0123456789")
  let queried = id("mnopqrstuvwxyz123456")
  let aa = short("aa")

  /// Our form of an example: they do not name their client, and we do.
  func naming(_ example: String) -> String {
    // Before `1:y1:qe`, of 7 characters.
    example.dropLast(7) + "1:v4:dh\u{0}\u{1}" + example.suffix(7)
  }

  @Test("BEP 5: ping")
  func ping() throws {
    let example = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
    let message = Message(transaction: aa, body: .query(Query(sender: querying, method: .ping)))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 5: the answer to ping")
  func pong() throws {
    let example = "d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re"
    let message = Message(transaction: aa, body: .response(Response(sender: queried)))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 5: find_node")
  func findNode() throws {
    let example =
      "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe"
    let message = Message(
      transaction: aa, body: .query(Query(sender: querying, method: .findNode(target: queried))))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 5: the answer to find_node, whose nodes the example abbreviates")
  func foundNodes() throws {
    // "def456..." in the specification; here the 26 bytes of one node.
    let example =
      "d1:rd2:id20:0123456789abcdefghij5:nodes26:mnopqrstuvwxyz123456abcdxye1:t2:aa1:y1:re"
    let peer = Peer(id: queried, endpoint: Endpoint(.v4(0x6162_6364), port: 0x7879))
    let message = Message(
      transaction: aa,
      body: .response(Response(sender: id("0123456789abcdefghij"), nodes: [peer])))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 5: get_peers is answered as find_node")
  func getPeers() throws {
    let example =
      "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe"
    #expect(
      try decoded(example)
        == Message(
          transaction: aa, body: .query(Query(sender: querying, method: .findNode(target: queried)))))
  }

  @Test("BEP 5: the answer to get_peers is an answer with a token, its values ignored")
  func gotPeers() throws {
    let example =
      "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re"
    #expect(
      try decoded(example)
        == Message(
          transaction: aa, body: .response(Response(sender: querying, token: short("aoeusnth")))))
  }

  @Test("BEP 5: announce_peer is refused, because nothing is stored")
  func announcePeer() throws {
    let example =
      "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456"
      + "4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"
    #expect(code(malformed(example)) == 204)
  }

  @Test("BEP 42: an answer tells the asker's address, and any other answer is as good without it")
  func seenAddress() throws {
    let endpoint = Endpoint(.v4(0x0102_0304), port: 0x0506)
    let answer = Message(
      transaction: aa, body: .response(Response(sender: querying, credentials: .seen(endpoint))))
    let text = "d2:ip6:\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}1:rd2:id20:abcdefghij0123456789e1:t2:aa1:y1:re"
    #expect(encodedText(answer) == naming(text))
    #expect(try decoded(text) == answer)
    #expect(
      try decoded(text.replacing("6:\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}", with: "5:12345"))
        == Message(transaction: aa, body: .response(Response(sender: querying))))
  }

  @Test("BEP 5: an error")
  func error() throws {
    let example = "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"
    let message = Message(transaction: aa, body: .error(RPCError(201, "A Generic Error Ocurred")))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 32: want names the families of the nodes")
  func want() throws {
    let example = queryText("find_node", "6:target20:mnopqrstuvwxyz1234564:wantl2:n42:n6e")
    let message = Message(
      transaction: aa,
      body: .query(Query(sender: querying, method: .findNode(target: queried), want: [.v4, .v6])))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 32: unknown families and items that are not strings are ignored in want")
  func unknownWant() throws {
    let target = "6:target20:mnopqrstuvwxyz123456"
    #expect(try query(queryText("get", target + "4:wantl2:n9i4eld1:a0:ee2:n6e")).want == [.v6])
    #expect(try query(queryText("get", target + "4:wantle")).want == [])
    #expect(try query(queryText("get", target + "4:want2:n6")).want == [])
    #expect(try query(queryText("ping", "4:wantl2:n6e")).want == [])
  }

  @Test("BEP 32: nodes6 holds IPv6 nodes of 38 bytes")
  func nodes6() throws {
    let example = responseText("6:nodes638:mnopqrstuvwxyz123456ABCDEFGHIJKLMNOPxy")
    let address = IPAddress.v6(0x4142_4344_4546_4748, 0x494A_4B4C_4D4E_4F50)
    let peer = Peer(id: queried, endpoint: Endpoint(address, port: 0x7879))
    let message = Message(
      transaction: aa,
      body: .response(Response(sender: id("0123456789abcdefghij"), nodes: [peer])))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
  }

  @Test("BEP 43: a read-only sender is marked beside the arguments")
  func readOnly() throws {
    let example = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping2:roi1e1:t2:aa1:y1:qe"
    let message = Message(
      transaction: aa, body: .query(Query(sender: querying, method: .ping, isReadOnly: true)))
    #expect(try decoded(example) == message)
    #expect(encodedText(message) == naming(example))
    for other in ["i0e", "i2e", "1:1", "le"] {
      let text = example.replacing("2:roi1e", with: "2:ro\(other)")
      #expect(try query(text).isReadOnly == false)
    }
  }

  @Test("BEP 44: get, with and without a seq")
  func get() throws {
    let plain = queryText("get", "6:target20:mnopqrstuvwxyz123456")
    #expect(try query(plain).method == .get(target: queried, kind: nil, seq: nil))
    let full = queryText("get", "4:kind5:plain3:seqi7e6:target20:mnopqrstuvwxyz1234564:wantl2:n4e")
    let message = Message(
      transaction: aa,
      body: .query(
        Query(sender: querying, method: .get(target: queried, kind: .plain, seq: 7), want: .v4)))
    #expect(try decoded(full) == message)
    #expect(encodedText(message) == naming(full))
  }

  @Test("BEP 44: put of a plain record")
  func put() throws {
    let text = queryText(
      "put", before: "3:casi6e3:expi1700000000e", "3:key5:hello3:seqi7e5:token4:toke1:v5:world")
    let record = Record(
      plainKey: Array("hello".utf8), value: Array("world".utf8),
      version: RecordVersion(seq: 7, expiry: 1_700_000_000))
    let message = Message(
      transaction: aa,
      body: .query(Query(sender: querying, method: .put(record, token: short("toke"), cas: 6))))
    #expect(try decoded(text) == message)
    #expect(encodedText(message) == naming(text))
  }

  @Test("BEP 44: the answers of another implementation, with items of both kinds")
  func foreignItems() throws {
    let immutable = try response(responseText("5:token4:toke1:v12:Hello World!"))
    let value = Array("12:Hello World!".utf8)
    #expect(
      immutable.held == .record(Record(immutable: value, expiry: RecordVersion.noExpiry)))
    #expect(immutable.token == short("toke"))
    let signature = String(repeating: "s", count: 64)
    let key = String(repeating: "k", count: 32)
    let nodes = "5:nodes26:mnopqrstuvwxyz123456abcdxy"
    let mutable = try response(
      responseText("1:k32:\(key)\(nodes)3:seqi4e3:sig64:\(signature)5:token4:toke1:v12:Hello World!"))
    let authorship = Record.Authorship(
      owner: try #require(PublicKey(key.utf8)), salt: [],
      signature: try #require(Signature(signature.utf8)))
    #expect(
      mutable.held
        == .record(
          Record(signed: authorship, value: value, seq: 4, expiry: RecordVersion.noExpiry)))
    #expect(mutable.storedSeq == nil)
    #expect(mutable.nodes.count == 1)
    let structured = try response(responseText("5:token4:toke1:vd1:bi1e1:ai2ee"))
    #expect(structured.held == nil)
  }
}
