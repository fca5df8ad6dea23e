import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("Records and their holders in dhtctl") struct RecordCommandTests {
    private func json(
      _ network: LocalNetwork, _ node: DaemonProcess, _ arguments: String...
    ) throws -> JSON {
      let result = try network.dhtctl(["--socket", node.socketPath, "--json"] + arguments)
      guard result.status == 0 else {
        throw TimedOut(what: "'\(arguments)' to succeed", details: "\(result)")
      }
      return try JSON(parsing: result.bytes)
    }

    @Test("a value with --ttl 2s expires everywhere, and the older one does not return")
    func expiry() throws {
      let options = ["--set", "expiry_interval=1s", "--set", "replicate_interval=1s"]
      try withNetwork(5, options: options) { network in
        let node = network.nodes[1]
        #expect(try network.dhtctl(node, "put", "key", "old").status == 0)
        #expect(try network.dhtctl(node, "put", "key", "new", "--ttl", "2s").status == 0)
        #expect(try network.dhtctl(node, "put", "other", "lasts").status == 0)
        #expect(try network.dhtctl(network.nodes[4], "get", "other").output == "lasts")
        try eventually("the value to expire at all nodes") {
          try network.nodes.allSatisfy { try $0.client().get("key") != "new" }
        }
        for node in network.nodes {
          let gone = try network.dhtctl(node, "get", "key")
          #expect(gone.isComplaint(status: 3, "no value"), "\(gone)")
          #expect(try network.dhtctl(node, "get", "other").output == "lasts")
        }
        try eventually("nobody to list it") {
          try network.nodes.allSatisfy { node in
            try node.heldKeys().keys.sorted() == ["other"] && node.counter("stored_keys") == 1
          }
        }
      }
    }

    @Test("get --max-age returns a copy with its age, and get without it never hides a newer put")
    func copies() throws {
      try withNetwork(5, options: ["--set", "k=2"]) { network in
        let writer = network.nodes[0]
        _ = try json(network, writer, "put", "key", "old")
        // A node that does not hold it, and that no other node expects to hold it.
        var holders: Set<String> = []
        for node in network.nodes { holders.formUnion(try node.places(of: ["key"])[0].map(\.id)) }
        let reader = try #require(
          network.nodes.dropFirst().first { node in try !holders.contains(node.nodeID() ?? "?") })
        let fetched = try json(network, reader, "get", "key", "--max-age", "60")
        #expect(fetched["value"] == "old" && fetched["age"] == .null)
        let copy = try json(network, reader, "get", "key", "--max-age", "60")
        #expect(copy["value"] == "old" && copy["age"].integer != nil, "\(copy)")
        #expect(copy["seq"] == fetched["seq"])

        let put = try json(network, writer, "put", "key", "new")
        let stale = try json(network, reader, "get", "key", "--max-age", "60")
        #expect(stale["value"] == "old" && stale["age"].integer != nil)
        let fresh = try json(network, reader, "get", "key")
        #expect(fresh["value"] == "new" && fresh["age"] == .null)
        #expect(fresh["seq"] == put["seq"])
        // The copy is that one from now on, and a put of one's own is read at once, too.
        #expect(try json(network, reader, "get", "key", "--max-age", "60")["value"] == "new")
        _ = try json(network, reader, "put", "key", "own")
        #expect(try json(network, reader, "get", "key", "--max-age", "60")["value"] == "own")
        _ = try json(network, reader, "delete", "key")
        #expect(try network.dhtctl(reader, "get", "key", "--max-age", "60").status == 3)
      }
    }

    @Test("lookup and get --trace show the version that each node holds, or none")
    func holders() throws {
      try withNetwork(6, options: ["--set", "k=3"]) { network in
        let node = network.nodes[2]
        let put = try json(network, node, "put", "key", "value")
        let lookup = try json(network, node, "lookup", "key")
        #expect(lookup["closest"].array.count == 3)
        for place in lookup["closest"].array { #expect(place["held"]["seq"] == put["seq"]) }
        var held: Set<String> = []
        for node in network.nodes where try node.heldKeys()["key"] != nil {
          held.insert(try node.nodeID() ?? "?")
        }
        #expect(Set(lookup["closest"].array.compactMap { $0["node_id"].string }) == held)
        let text = try network.dhtctl(node, "lookup", "key").output
        #expect(text.contains("seq \(put["seq"].integer ?? 0)"), "\(text)")
        for id in held { #expect(text.contains(id)) }

        let traced = try json(network, node, "get", "key", "--trace")
        #expect(traced["value"] == "value")
        #expect(!traced["steps"].array.isEmpty)
        // An answer that came too late to be waited for tells nothing.
        for step in traced["steps"].array where step["outcome"] == "answered" {
          let isHolder = held.contains(step["node_id"].string ?? "?")
          #expect((step["held"]["seq"] == put["seq"]) == isHolder, "\(step)")
        }
        let trace = try network.dhtctl(node, "get", "key", "--trace")
        #expect(trace.output == "value")
        #expect(trace.errors.contains("Steps:") && trace.errors.contains("seq \(put["seq"].integer ?? 0)"))

        _ = try json(network, node, "delete", "key")
        for place in try json(network, node, "lookup", "key")["closest"].array {
          #expect(place["held"]["deleted"] == true)
        }
        #expect(try network.dhtctl(node, "lookup", "key").output.contains("deleted, seq "))
        let none = try network.dhtctl(node, "lookup", "never written")
        #expect(none.output.contains(" -"), "\(none)")
      }
    }

    @Test("keys lists by prefix in pages, sorted by bytes, also after a restart")
    func listing() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        var random = SplitMix64(seed: 31)
        let names = ["a", "b/", "b/ä", "b/€", "c"].flatMap { prefix in (1...60).map { "\(prefix)\($0)" } }
        let all = names.shuffled(using: &random).map { (key: $0, value: "v") }
        for answer in try node.client().putAll(all) { #expect(answer["result"]["stored"] == 1) }
        func list(_ prefix: String, limit: Int64) throws -> [String] {
          var listed: [String] = []
          var cursor = JSON.null
          repeat {
            var params: [String: JSON] = ["prefix": .string(prefix), "limit": .integer(limit)]
            if cursor != .null { params["cursor"] = cursor }
            let page = try node.client().call("keys", .object(params))["result"]
            #expect(page["keys"].array.count <= Int(limit))
            listed += page["keys"].array.compactMap { $0["key"].string }
            cursor = page["cursor"]
            // Changes between two pages do not move the keys.
            try node.client().put("b/20 and more", "v")
          } while cursor != .null
          return listed.filter { $0 != "b/20 and more" }
        }
        let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for _ in 1...2 {
          for prefix in ["", "a", "b/", "b/ä", "none"] {
            let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
            for limit: Int64 in [7, 1_000] { #expect(try list(prefix, limit: limit) == expected) }
          }
          let printed = try json(network, node, "keys", "--prefix", "b/€")["keys"].array
          #expect(printed.compactMap { $0["key"].string } == sorted.filter { $0.hasPrefix("b/€") })
          node.kill()
          try node.startAgain().waitUntilReady()
        }
      }
    }
  }
}
