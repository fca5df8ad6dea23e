import Testing

extension EndToEnd {
  @Suite("Answers while nodes hang") struct SilentNodeTests {
    @Test("while all holders of a key hang, no node says that it has no value")
    func allHolders() throws {
      try withNetwork(13) { network in
        let first = network.nodes[0]
        let put = try first.client().put("key", "value")["result"]
        #expect(put["stored"] == 8)
        #expect(put["weak"] == false)
        #expect(put["silent"] == 0)
        let closest = try first.client().call("lookup", ["key": "key"])["result"]["closest"].array
        let ids = Set(closest.compactMap { $0["node_id"].string })
        var holders: [DaemonProcess] = []
        var others: [DaemonProcess] = []
        for node in network.nodes {
          if try node.nodeID().map(ids.contains) == true { holders.append(node) } else { others.append(node) }
        }
        #expect(holders.count == 8)
        for node in holders { node.process.halt() }
        defer { for node in holders { node.process.resume() } }
        for node in others {
          let answer = try node.client().call("get", ["key": "key"])
          #expect(answer["error"]["data"]["reason"] == "unreachable", "\(answer)")
        }
        for node in holders { node.process.resume() }
        for node in others {
          try eventually("the key to be read again") {
            let result = try node.client().call("get", ["key": "key"])["result"]
            return result["value"] == "value" && result["unconfirmed"] == false
          }
        }
      }
    }

    @Test("with one of two nodes halted, the commands say what they know and what they do not")
    func oneOfTwo() throws {
      try withNetwork(2) { network in
        let node = network.nodes[0]
        #expect(try network.dhtctl(node, "put", "key", "value").output == "Stored key 'key' at 2 nodes\n")
        network.nodes[1].process.halt()
        defer { network.nodes[1].process.resume() }

        let none = try network.dhtctl(node, "get", "none")
        #expect(none.isComplaint(status: 1, "1 of the nodes that may hold this key answered"), "\(none)")
        let get = try network.dhtctl(node, "get", "key")
        #expect(get.status == 0 && get.output == "value", "\(get)")
        #expect(get.errors.contains("too few nodes answered"), "\(get)")
        let json = try network.dhtctl(node, "--json", "get", "key")
        #expect(json.output.contains(#""unconfirmed":true"#) && json.errors.isEmpty, "\(json)")
        let strict = try network.dhtctl(node, "get", "--strict", "key")
        #expect(strict.isComplaint(status: 1, "newest"), "\(strict)")

        let put = try network.dhtctl(node, "put", "other", "value")
        #expect(put.status == 0, "\(put)")
        #expect(put.output == "Stored key 'other' at 1 node; 1 known node did not respond\n")
        let copies = try network.dhtctl(node, "put", "--min-copies", "2", "other", "value")
        #expect(copies.isComplaint(status: 1, "min_copies asks for 2"), "\(copies)")
        let weak = try network.dhtctl(node, "put", "--strict", "other", "value")
        #expect(weak.status == 1 && weak.errors.contains("not at a majority"), "\(weak)")
        let conditional = try network.dhtctl(node, "put", "--if-seq", "0", "new", "value")
        #expect(conditional.isComplaint(status: 1, "nothing was stored"), "\(conditional)")
        #expect(try network.dhtctl(node, "keys").output.contains("new") == false)
      }
    }

    @Test("a node that is cut off says so, over a restart too, until its user forgets the others")
    func forget() throws {
      let options = ["--set", "liveness_interval=1s", "--set", "liveness_interval_in_doubt=1s"]
      try withNetwork(5, options: options) { network in
        let node = network.nodes[0]
        for other in network.nodes[2...] { other.process.halt() }
        defer { for other in network.nodes[2...] { other.process.resume() } }
        try eventually("the node to be cut off", within: 60) {
          try node.client().call("status")["result"]["standing"] == "cut_off"
        }
        let status = try network.dhtctl(node, "status")
        #expect(status.output.contains("cut off: 3 known nodes do not answer"), "\(status)")
        let peers = try network.dhtctl(node, "peers")
        let silentLines = peers.outputLines.drop { !$0.contains("SILENT FOR") }
        #expect(silentLines.count == 4, "\(peers)")

        _ = try node.stop()
        try node.startAgain().waitUntilReady()
        let none = try network.dhtctl(node, "get", "none")
        #expect(none.isComplaint(status: 1, "answered"), "\(none)")
        #expect(try network.dhtctl(node, "forget").status == 2)
        let silent = try node.client().call("peers")["result"]["silent"].array.compactMap {
          $0["node_id"].string
        }
        #expect(silent.count == 3)
        let one = try network.dhtctl(node, "forget", silent[0])
        #expect(one.status == 0 && one.output.hasPrefix("Forgot \(silent[0])"), "\(one)")
        #expect(try network.dhtctl(node, "forget", silent[0]).isComplaint(status: 3, "no silent node"))
        #expect(try network.dhtctl(node, "forget", "--unreachable").outputLines.count == 2)
        #expect(try node.client().call("status")["result"]["standing"] == "connected")
      }
    }

    @Test("a node whose bootstrap address does not answer does not speak for the network")
    func alone() throws {
      try withNetwork(0) { network in
        let node = try network.launch(bootstrap: ["127.0.0.1:9"]).waitUntilReady()
        let get = try network.dhtctl(node, "get", "key")
        #expect(get.status == 1 && get.errors.contains("must"), "\(get)")
        let put = try network.dhtctl(node, "put", "key", "value")
        #expect(put.output.contains("has not confirmed"), "\(put)")
      }
    }
  }
}
