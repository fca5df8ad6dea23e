import Foundation
import Testing

extension EndToEnd {
  @Suite("Networks of several sizes") struct NetworkTests {
    @Test("a single node puts, gets, deletes and shows its status")
    func alone() throws {
      try withNetwork(1) { network in
        let client = try network.nodes[0].client()
        let put = try client.put("hello", "world")["result"]
        #expect(put["stored"] == 1)
        #expect(put["replicas"] == 1)
        #expect(put["failures"] == [])
        #expect(try client.get("hello") == "world")
        #expect(try client.status()["stored_keys"] == 1)
        #expect(try client.call("delete", ["key": "hello"])["result"]["stored"] == 1)
        #expect(try client.call("get", ["key": "hello"])["error"]["code"] == 1)
        let status = try client.status()
        #expect(status["stored_keys"] == 0)
        #expect(status["known_nodes"] == 0)
        #expect(status["buckets"] == [])
        #expect(status["puts_ok"] == 2)
        #expect(status["gets_ok"] == 1)
        #expect(status["gets_not_found"] == 1)
      }
    }

    @Test("each of two nodes reads and deletes the values of the other")
    func two() throws {
      try withNetwork(2) { (network) throws in
        let (a, b) = (network.nodes[0], network.nodes[1])
        #expect(try a.client().put("from a", "1")["result"]["stored"] == 2)
        #expect(try b.client().get("from a") == "1")
        #expect(try b.client().put("from b", "2")["result"]["stored"] == 2)
        #expect(try a.client().get("from b") == "2")
        #expect(try b.client().put("from a", "3")["result"]["stored"] == 2)
        #expect(try a.client().get("from a") == "3")
        #expect(try b.client().call("delete", ["key": "from a"])["result"]["stored"] == 2)
        #expect(try a.client().call("get", ["key": "from a"])["error"]["data"]["reason"] == "not_found")
        #expect(try a.knownNodes() == 1)
        #expect(try b.knownNodes() == 1)
      }
    }

    @Test("five nodes share 200 keys, and each reads all of them")
    func five() throws {
      try withNetwork(5) { network in
        let all = pairs(200)
        for (node, share) in zip(network.nodes, all.dealt(among: 5)) {
          for put in try node.client().putAll(share) { #expect(put["result"]["stored"] == 5) }
        }
        for node in network.nodes {
          #expect(try wrongAnswers(at: node, to: all) == [])
          #expect(try node.status()["stored_keys"] == 200)
        }
      }
    }

    @Test("32 nodes store 200 keys at 8 nodes each, and every node reads every key")
    func thirtyTwo() throws {
      try withNetwork(32) { network in
        let all = pairs(200)
        for (node, share) in zip(network.nodes, all.dealt(among: 32)) {
          for put in try node.client().putAll(share) {
            #expect(put["result"]["stored"] == 8)
            #expect(put["result"]["replicas"] == 8)
          }
        }
        var held: Int64 = 0
        for node in network.nodes {
          #expect(try wrongAnswers(at: node, to: all) == [])
          let stored = try node.status()["stored_keys"].integer ?? 0
          #expect(stored > 0)
          held += stored
        }
        // Read repair adds a copy only where a holder was missing.
        #expect(held >= 1_600)
      }
    }

    @Test("a put given the moment the ninth node is ready is stored at eight nodes")
    func freshlyReady() throws {
      try withNetwork(8) { network in
        let ninth = try network.start(network.nodes[0])
        let put = try ninth.client().put("first", "of the ninth")["result"]
        #expect(put["stored"] == 8)
        #expect(put["replicas"] == 8)
        for node in network.nodes { #expect(try node.client().get("first") == "of the ninth") }
      }
    }

    @Test("a put sent before a node is ready waits for its join and is stored at eight nodes")
    func beforeReady() throws {
      try withNetwork(8) { network in
        let first = network.nodes[0]
        // As long as the first node is halted, the ninth cannot join.
        first.process.halt()
        let ninth = try network.launch(bootstrap: [first.address])
        try ninth.waitForLogLine { $0.contains(" listens on ") }
        let client = try ninth.connect()
        try client.send(ControlSocketClient.line("put", ["key": "early", "value": "bird"], id: "put"))
        #expect(try ninth.status()["state"] == "joining")
        first.process.resume()
        let answer = try client.readAnswer()
        #expect(answer["id"] == "put")
        #expect(answer["result"]["stored"] == 8)
        #expect(answer["result"]["replicas"] == 8)
        #expect(try network.nodes[3].client().get("early") == "bird")
      }
    }

    @Test("peers, keys, lookup and ping show the actual network")
    func views() throws {
      try withNetwork(3) { network in
        let (a, b) = (network.nodes[0], network.nodes[1])
        let client = try a.client()
        let ids = Set(try network.nodes.compactMap { try $0.nodeID() })
        #expect(ids.count == 3)
        let peers = try client.call("peers")["result"]["peers"].array
        #expect(Set(peers.compactMap { $0["node_id"].string }).isSubset(of: ids))
        #expect(peers.count == 2)
        for peer in peers {
          #expect(
            Set(peer.names).isSuperset(of: ["node_id", "address", "bucket", "rtt", "age", "state"]))
        }
        _ = try client.putAll([("ka", "1"), ("kb", "2"), ("other", "3")])
        let first = try client.call("keys", ["prefix": "k", "limit": 1])["result"]
        let second = try client.call(
          "keys", ["prefix": "k", "limit": 1, "cursor": first["cursor"]])["result"]
        let keys = [first, second].flatMap { $0["keys"].array }.compactMap { $0["key"].string }
        #expect(Set(keys) == ["ka", "kb"])
        #expect(second["cursor"] == .null)
        let lookup = try client.call("lookup", ["key": "ka"])["result"]
        let closest = Set(lookup["closest"].array.compactMap { $0["node_id"].string })
        #expect(closest == ids)
        for step in lookup["steps"].array {
          #expect(Set(step.names).isSuperset(of: ["hop", "node_id", "rtt", "outcome"]))
        }
        let ping = try client.call("ping", ["address": .string(b.address)])["result"]
        #expect(try ping["node_id"].string == b.nodeID())
        let met = try client.call("bootstrap", ["addresses": [.string(b.address)]])["result"]
        #expect(try met["nodes"][0]["node_id"].string == b.nodeID())
      }
    }
  }
}
