import ControlProtocol
import FoundationEssentials
import Testing

@Suite("Requests")
struct RequestTests {
  static let requests: [ControlRequest] = [
    .put(PutParams(key: Array("hello".utf8), value: Array("world".utf8))),
    .put(PutParams(key: [0xFF, 0], value: [0xC3], ttl: 90, ifSeq: 9_007_199_254_740_993)),
    .put(PutParams(key: [0], value: [], ttl: ControlLimits.maxTTL, ifSeq: 0)),
    .get(GetParams(key: Array("ключ".utf8))),
    .get(GetParams(key: [0x80], maxAge: 60)),
    .get(GetParams(key: Array("k".utf8), trace: true)),
    .get(GetParams(key: Array("k".utf8), maxAge: .max, trace: true)),
    .delete(DeleteParams(key: Array("a\u{1B}\"\\\n".utf8))),
    .status, .peers,
    .keys(KeysParams()),
    .keys(KeysParams(prefix: [0xFE], limit: 1_000, cursor: "c")),
    .lookup(.key(Array("hello".utf8))),
    .lookup(.target(Array(0..<20))),
    .ping(PingParams(address: address("[::1]:8001"))),
    .keyringList, .keyringAdd(KeyringAddParams(networkKey: "abc=")),
    .keyringUse(KeyringParams(fingerprint: "0123456789ab")),
    .keyringRemove(KeyringParams(fingerprint: "")),
    .bootstrap(BootstrapParams(addresses: [address("a:1"), address("192.0.2.7:65535")])),
    .forget(.unreachable), .forget(.node(Array(repeating: 0xAB, count: 20))),
  ]

  @Test("every request survives a round trip through its line", arguments: requests)
  func roundTrips(_ request: ControlRequest) throws {
    let line = ControlCodec.encodeRequest(request, id: .integer(3))
    #expect(line.last == UInt8(ascii: "\n"))
    #expect(line.dropLast().contains(UInt8(ascii: "\n")) == false)
    let decoded = ControlCodec.decodeRequest(line)
    #expect(decoded.id == .integer(3))
    #expect(try decoded.outcome.get() == request)
  }

  @Test("bytes are encoded as text if they are UTF-8, and as base64 if not")
  func byteStrings() {
    let line = ControlCodec.encodeRequest(.put(PutParams(key: Array("k".utf8), value: [0xFF])), id: .null)
    #expect(
      String(decoding: line, as: UTF8.self)
        == #"{"id":null,"jsonrpc":"2.0","method":"put","params":{"key":"k","value_base64":"/w=="}}"# + "\n")
  }

  @Test("text and base64 of the same bytes are the same request")
  func base64() throws {
    #expect(
      try request("put", #"{"key_base64":"aGVsbG8=","value_base64":""}"#)
        == .put(PutParams(key: Array("hello".utf8), value: [])))
  }

  @Test("absent and null params of an optional kind are the defaults")
  func defaults() throws {
    #expect(try request("keys", "{}") == .keys(KeysParams()))
    #expect(try request("keys", #"{"limit":null,"cursor":null}"#) == .keys(KeysParams()))
    let line = #"{"jsonrpc":"2.0","id":1,"method":"status"}"#
    #expect(try ControlCodec.decodeRequest(Array(line.utf8)).outcome.get() == .status)
  }

  @Test("by default a get asks the network and has no trace")
  func getDefaults() throws {
    let plain = GetParams(key: Array("k".utf8))
    let line = ControlCodec.encodeRequest(.get(plain), id: .integer(1))
    #expect(String(decoding: line, as: UTF8.self).contains(#""params":{"key":"k"}"#))
    #expect(try request("get", #"{"key":"k","max_age":null,"trace":null}"#) == .get(plain))
    #expect(try request("get", #"{"key":"k","max_age":0,"trace":false}"#) == .get(plain))
    var strict = plain
    strict.isStrict = true
    #expect(try request("get", #"{"key":"k","strict":true}"#) == .get(strict))
    #expect(try request("get", #"{"key":"k","strict":false}"#) == .get(plain))
    var copies = PutParams(key: Array("k".utf8), value: Array("v".utf8))
    copies.minCopies = 3
    #expect(try request("put", #"{"key":"k","value":"v","min_copies":3}"#) == .put(copies))
    #expect(
      try request("get", #"{"key":"k","max_age":90,"trace":true}"#)
        == .get(GetParams(key: Array("k".utf8), maxAge: 90, trace: true)))
  }

  @Test(
    "trace must be true or false, without lenient conversions",
    arguments: ["1", "0", "1.0", "-1", #""true""#, #""""#, "[]", "[true]", "{}", "1e400"])
  func trace(_ value: String) {
    let found = error("get", #"{"key":"k","trace":\#(value)}"#)
    #expect(found?.code == .invalidParams)
    #expect(found?.data.param == "trace")
    #expect(found?.message == "trace must be true or false")
  }

  @Test(
    "the answer repeats the ID",
    arguments: [#""a""#, #""""#, "0", "-9223372036854775808", "18446744073709551616", "1.5", "null"])
  func ids(_ id: String) throws {
    let line = #"{"jsonrpc":"2.0","id":\#(id),"method":"nothing"}"#
    let decoded = ControlCodec.decodeRequest(Array(line.utf8))
    let response = ControlResponse(id: try #require(decoded.id), outcome: .failure(.lineTooLong))
    #expect(String(decoding: ControlCodec.encode(response), as: UTF8.self).contains(#""id":\#(id),"#))
  }

  @Test("a request without an ID is a notification, and an invalid request is answered with the ID null")
  func notifications() throws {
    let notification = ControlCodec.decodeRequest(Array(#"{"jsonrpc":"2.0","method":"status"}"#.utf8))
    #expect(notification.id == nil)
    #expect(try notification.outcome.get() == .status)
    #expect(ControlCodec.decodeRequest(Array(#"{"jsonrpc":"2.0","method":"no"}"#.utf8)).id == nil)
    #expect(ControlCodec.decodeRequest(Array(#"{"method":"status"}"#.utf8)).id == .null)
    let bare = ControlCodec.encodeRequest(.status, id: nil)
    #expect(ControlCodec.decodeRequest(bare).id == nil)
  }

  @Test(
    "an invalid request gets the error of JSON-RPC",
    arguments: [
      ("", -32700), ("{", -32700), ("nonsense", -32700), (#"{"jsonrpc":"2.0"} x"#, -32700),
      ("1", -32600), ("null", -32600), (#""a""#, -32600), ("[]", -32600), ("{}", -32600),
      (#"{"jsonrpc":"1.0","id":1,"method":"status"}"#, -32600),
      (#"{"jsonrpc":2.0,"id":1,"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":1}"#, -32600),
      (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
      (#"{"jsonrpc":"2.0","id":[1],"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":true,"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":1,"method":"Status"}"#, -32601),
      (#"{"jsonrpc":"2.0","id":1,"method":"status","params":[]}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"status","params":7}"#, -32602),
    ])
  func envelopes(_ line: String, _ code: Int) {
    #expect(error(line)?.code.rawValue == code, "\(line)")
  }

  @Test("the error for a batch asks for one object a line")
  func batches() {
    let batch = error(#"[{"jsonrpc":"2.0","id":1,"method":"status"}]"#)
    #expect(batch?.code == .invalidRequest)
    #expect(batch?.message.contains("one object a line") == true)
  }

  @Test(
    "the error for an invalid parameter is -32602 and names it",
    arguments: [
      ("put", #"{"value":"v"}"#, "key"), ("put", #"{"key":"k"}"#, "value"),
      ("put", #"{"key":null,"value":"v"}"#, "key"),
      ("put", #"{"key":"","value":"v"}"#, "key"), ("put", #"{"key":7,"value":"v"}"#, "key"),
      ("put", #"{"key":"k","key_base64":"aw==","value":"v"}"#, "key"),
      ("put", #"{"key":"k","value":"v","value_base64":"dg=="}"#, "value"),
      ("put", #"{"key":"k","value_base64":"dg="}"#, "value_base64"),
      ("put", #"{"key":"k","value":["v"]}"#, "value"),
      ("put", #"{"key":"k","value":"v","ttl":-1}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","ttl":0}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","ttl":2592001}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","ttl":1.5}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","ttl":"90"}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","ttl":1e400}"#, "ttl"),
      ("put", #"{"key":"k","value":"v","if_seq":9223372036854775808}"#, "if_seq"),
      ("put", #"{"key":"k","value":"v","if_seq":-1}"#, "if_seq"),
      ("put", #"{"key":"k","value":"v","min_copies":0}"#, "min_copies"),
      ("get", #"{"key":"k","strict":1}"#, "strict"),
      ("put", #"{"key":"k","value":"v","ifSeq":1}"#, "ifSeq"),
      ("get", #"{"key":"k","max_age":-1}"#, "max_age"), ("get", #"{"key":"k","max_age":true}"#, "max_age"),
      ("get", #"{"key":"k","max_age":"60"}"#, "max_age"), ("get", #"{"key":"k","Trace":true}"#, "Trace"),
      ("lookup", #"{"key":"k","trace":true}"#, "trace"),
      ("put", #"{"key":"k","value":"v","trace":true}"#, "trace"),
      ("delete", #"{"key":"k","if_seq":1}"#, "if_seq"), ("status", #"{"verbose":true}"#, "verbose"),
      ("keys", #"{"limit":0}"#, "limit"), ("keys", #"{"limit":-5}"#, "limit"),
      ("keys", #"{"limit":1001}"#, "limit"), ("keys", #"{"cursor":1}"#, "cursor"),
      ("lookup", "{}", "target"), ("lookup", #"{"key":"k","target":"00"}"#, "target"),
      ("lookup", #"{"target":"zz"}"#, "target"), ("lookup", #"{"key":""}"#, "key"),
      ("ping", "{}", "address"), ("ping", #"{"address":"::1:8001"}"#, "address"),
      ("bootstrap", "{}", "addresses"), ("bootstrap", #"{"addresses":[]}"#, "addresses"),
      ("bootstrap", #"{"addresses":"a:1"}"#, "addresses"),
      ("forget", "{}", "node_id"), ("forget", #"{"unreachable":false}"#, "node_id"),
      ("forget", #"{"node_id":"ab"}"#, "node_id"), ("forget", #"{"unreachable":1}"#, "unreachable"),
      ("bootstrap", #"{"addresses":["a:1","b"]}"#, "addresses"),
    ])
  func params(_ method: String, _ params: String, _ name: String) {
    let found = error(method, params)
    #expect(found?.code == .invalidParams, "\(method) \(params)")
    #expect(found?.data.param == name, "\(method) \(params)")
    #expect(found?.message.contains(name) == true)
  }

  @Test("a name is shortened in an error")
  func longNames() throws {
    let name = String(repeating: "x", count: 100_000)
    let unknown = try #require(error("status", #"{"\#(name)":1}"#))
    #expect(unknown.message.utf8.count < 200)
    #expect(try #require(error(#"{"jsonrpc":"2.0","id":1,"method":"\#(name)"}"#)).message.utf8.count < 300)
  }
}
