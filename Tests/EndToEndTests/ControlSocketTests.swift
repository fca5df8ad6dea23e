import Foundation
import Testing

extension EndToEnd {
  @Suite("The guarantees of the control socket") struct ControlSocketTests {
    @Test("answers are matched by their IDs when many requests run on one connection")
    func manyInFlight() throws {
      try withNetwork(4) { network in
        let client = try network.nodes[0].connect()
        let all = pairs(1_000)
        for put in try client.putAll(all) { #expect(put["result"]["stored"] == 4) }
        let answers = try client.getAll(all.map(\.key))
        #expect(answers.compactMap { $0["result"]["value"].string } == all.map(\.value))
      }
    }

    @Test(
      "an answer repeats the ID of its request",
      arguments: ["7", "\"seven\"", "null", "-1", "9223372036854775807", "\"\"", "1.5", "\"\\u0000é\""])
    func ids(id: String) throws {
      try withNetwork(1) { network in
        let client = try network.nodes[0].client()
        try client.send(#"{"jsonrpc":"2.0","id":\#(id),"method":"status"}"# + "\n")
        let answer = try client.readAnswer()
        #expect(try answer["id"] == JSON(parsing: Array(id.utf8)))
        #expect(answer["jsonrpc"] == "2.0")
        #expect(answer.names == ["id", "jsonrpc", "result"])
      }
    }

    @Test("a notification is carried out and never answered")
    func notification() throws {
      try withNetwork(1) { network in
        let client = try network.nodes[0].client()
        try client.send(ControlSocketClient.line("put", ["key": "quiet", "value": "stored"], id: nil))
        try client.send(ControlSocketClient.line("get", [:], id: nil))
        try eventually("the notification to be carried out") { try client.get("quiet") == "stored" }
      }
    }

    @Test("each method gives the fields of the contract")
    func fields() throws {
      try withNetwork(2) { network in
        let client = try network.nodes[1].client()
        let put = try client.put("k", "v")["result"]
        #expect(
          put.names == [
            "expires", "failures", "pending", "refused", "replaced", "replicas", "seq", "silent", "stored",
            "target",
            "weak",
          ])
        // SHA-1 of "k".
        #expect(put["target"] == "13fbd79c3d390e5d6585a21e11ff5ec1970cff0c")
        let get = try client.call("get", ["key": "k", "max_age": 0])["result"]
        #expect(
          get == [
            "expires": put["expires"], "seq": put["seq"], "target": put["target"], "unconfirmed": false,
            "value": "v",
          ])
        let status = try client.status()
        for name in [
          "node_id", "address", "version", "uptime", "buckets", "known_nodes", "stored_keys", "stored_bytes",
          "gets_ok", "gets_not_found", "gets_failed", "puts_ok", "puts_failed", "latency",
        ] { #expect(status.names.contains(name), "status has no \(name)") }
        #expect(status["buckets"][0].names == ["index", "nodes"])
        let deleted = try client.call("delete", ["key": "k"])["result"]
        #expect(deleted.names == put.names)
        #expect(deleted["seq"].integer ?? 0 > put["seq"].integer ?? 0)
      }
    }

    @Test("values and keys that are not UTF-8 are base64 in both directions")
    func base64() throws {
      try withNetwork(2) { (network) throws in
        let (a, b) = (network.nodes[0], network.nodes[1])
        let bytes = Data([0x00, 0xFF, 0x0A, 0xC3, 0x28]).base64EncodedString()
        let params: JSON = ["key_base64": .string(bytes), "value_base64": .string(bytes)]
        #expect(try a.client().call("put", params)["result"]["stored"] == 2)
        let get = try b.client().call("get", ["key_base64": .string(bytes)])["result"]
        #expect(get["value_base64"] == .string(bytes))
        #expect(get["value"] == .null)
        let keys = try a.client().call("keys")["result"]["keys"]
        #expect(keys[0]["key_base64"] == .string(bytes))
        #expect(try a.client().call("delete", ["key_base64": .string(bytes)])["result"]["stored"] == 2)
        // Text may come by base64, too, and goes as text.
        #expect(try a.client().call("put", ["key": "t", "value_base64": "aGk="])["result"]["stored"] == 2)
        #expect(try b.client().get("t") == "hi")
        #expect(try b.client().call("put", ["key": "empty", "value": ""])["result"]["stored"] == 2)
        #expect(try a.client().get("empty") == "")
      }
    }

    @Test("key and value have at most 1,000 bytes together")
    func sizes() throws {
      try withNetwork(2) { network in
        let client = try network.nodes[0].client()
        let fits = String(repeating: "é", count: 498) + "abc"
        #expect(try client.put("k", fits)["result"]["stored"] == 2)
        #expect(try network.nodes[1].client().get("k") == fits)
        let error = try client.put("k", fits + "d")["error"]
        #expect(error["code"] == 4)
        #expect(error["data"]["reason"] == "too_large")
        #expect(error["message"].string?.contains("1000") == true)
        #expect(try client.get("k") == fits)
        let longKey = String(repeating: "k", count: 1_000)
        #expect(try client.put(longKey, "")["result"]["stored"] == 2)
        #expect(try client.put(longKey + "k", "")["error"]["code"] == 4)
      }
    }

    @Test("a page of keys has the size of each value")
    func keySizes() throws {
      try withNetwork(1) { network in
        let client = try network.nodes[0].client()
        try client.put("a key", "12345")
        let key = try client.call("keys")["result"]["keys"][0]
        #expect(key["key"] == "a key")
        #expect(key["size"] == 5)
      }
    }

    @Test("status counts neither the key nor the bytes of a deleted value")
    func storedBytes() throws {
      try withNetwork(1) { network in
        let client = try network.nodes[0].client()
        try client.put("abc", "12345")
        #expect(try client.status()["stored_bytes"] == 8)
        try client.call("delete", ["key": "abc"])
        let status = try client.status()
        #expect(status["stored_keys"] == 0)
        #expect(status["stored_bytes"] == 0)
      }
    }

    @Test("if_seq replaces only the given version")
    func conditional() throws {
      try withNetwork(3) { network in
        let client = try network.nodes[0].client()
        let absent = try client.call("put", ["key": "k", "value": "1", "if_seq": 7])["error"]
        #expect(absent["code"] == 3)
        #expect(absent["data"] == ["reason": "conflict", "seq": 0])
        let first = try client.call("put", ["key": "k", "value": "1", "if_seq": 0])["result"]
        #expect(first["stored"] == 3)
        let again = try client.call("put", ["key": "k", "value": "2", "if_seq": 0])["error"]
        #expect(again["code"] == 3)
        #expect(again["data"]["seq"] == first["seq"])
        let second = try client.call("put", ["key": "k", "value": "2", "if_seq": first["seq"]])["result"]
        #expect(second["stored"] == 3)
        #expect(try network.nodes[2].client().get("k") == "2")
      }
    }

    @Test("a key that was deleted is absent for if_seq", arguments: [1, 3])
    func absentAfterDeletion(nodes: Int) throws {
      try withNetwork(nodes) { network in
        let client = try network.nodes[0].client()
        try client.put("k", "1")
        try client.call("delete", ["key": "k"])
        let put = try client.call("put", ["key": "k", "value": "2", "if_seq": 0])
        #expect(put["result"]["stored"] == .integer(Int64(nodes)))
      }
    }

    @Test("every reader misses a value after its TTL")
    func expiry() throws {
      try withNetwork(2) { network in
        let client = try network.nodes[0].client()
        let put = try client.call("put", ["key": "short", "value": "life", "ttl": 1])["result"]
        #expect(put["stored"] == 2)
        let reader = try network.nodes[1].client()
        try eventually("the value to expire") {
          try reader.call("get", ["key": "short"])["error"]["code"] == 1
        }
        let long = try client.call("put", ["key": "long", "value": "", "ttl": 2_592_000])
        #expect(long["result"]["stored"] == 2)
        let error = try client.call("put", ["key": "long", "value": "", "ttl": 2_592_001])["error"]
        #expect(error["code"] == -32602)
        #expect(error["data"]["param"] == "ttl")
      }
    }

    @Test("with max_age, a copy is at most that old")
    func maxAge() throws {
      try withNetwork(2) { network in
        let (a, b) = (try network.nodes[0].client(), try network.nodes[1].client())
        try a.put("k", "old")
        #expect(try b.call("get", ["key": "k", "max_age": 3_600])["result"]["value"] == "old")
        try a.put("k", "new")
        #expect(try b.call("get", ["key": "k", "max_age": 0])["result"]["value"] == "new")
      }
    }
  }
}
