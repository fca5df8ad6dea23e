import Foundation
import Testing

extension EndToEnd {
  @Suite("Full stores") struct StorageFullTests {
    private func isStorageFull(_ answer: JSON) -> Bool {
      answer["error"]["code"] == 7 && answer["error"]["data"]["reason"] == "storage_full"
    }

    /// Puts values until some are refused.
    /// - Returns: the refusals.
    private func fill(
      _ node: DaemonProcess, _ promises: inout Promises, _ name: String, ttl: Int64? = nil
    ) throws -> [JSON] {
      for batch in 1...200 {
        let refused = try promises.put(batchOf64("\(name)-\(batch)"), ttl: ttl, at: node)
        if !refused.isEmpty { return refused }
      }
      return []
    }

    private func batchOf64(_ name: String) -> [(key: String, value: String)] {
      pairs(64, name).map { ($0.key, "\($0.value) " + String(repeating: "x", count: 800)) }
    }

    @Test(
      "a node with a full disk says so, loses no confirmed record, and accepts puts when there is room",
      .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
    func fullDisk() throws {
      try withNetwork { network in
        let space = try Namespaces(for: network)
        let port = try Ports.next()
        try space.mountStateDirectory(of: port, bytes: 4 << 20)
        let ballast = "'\(network.stateDirectory(of: port))/ballast'"
        try space.run("head --bytes=1M /dev/zero >\(ballast)")
        let node = try network.launch(port: port, in: space).waitUntilReady()
        var promises = Promises()
        let refused = try fill(node, &promises, "first")
        #expect(!refused.isEmpty)
        for answer in refused { #expect(isStorageFull(answer), "\(answer)") }
        #expect(promises.confirmed > 500)
        #expect(try promises.broken(at: node) == [])

        // Somebody else takes the last bytes, and the node is killed in the middle of more puts.
        try space.run("cat /dev/zero >>\(ballast) || true")
        let stream = try PutStream(node)
        var count = 0
        try PutStream.run([stream], until: Deadline(within: 0.05), &promises) {
          count += 1
          return ("more\(count % 100)", "\(count) " + String(repeating: "y", count: 300))
        }
        node.kill()
        try stream.finish(&promises)
        try node.startAgain().waitUntilReady()
        #expect(try promises.broken(at: node) == [])
        #expect(try isStorageFull(#require(fill(node, &promises, "second").last)))
        #expect(try node.status()["state"] == "ready")

        try space.run("rm \(ballast)")
        try eventually("a put to be taken") { try promises.put([("after", "it")], at: node) == [] }
        #expect(try promises.broken(at: node) == [])
      }
    }

    @Test(
      "deletions make room on a full disk",
      .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
    func deletions() throws {
      try withNetwork { network in
        let space = try Namespaces(for: network)
        let port = try Ports.next()
        try space.mountStateDirectory(of: port, bytes: 3 << 20)
        let node = try network.launch(port: port, in: space).waitUntilReady()
        var promises = Promises()
        _ = try fill(node, &promises, "first")
        let dead = try node.heldKeys().keys.sorted().prefix(1_000)
        let answers = try node.client().callAll(dead.map { ("delete", ["key": .string($0)]) })
        #expect(answers.filter { $0["result"]["stored"] != 1 } == [])
        let read = try node.client().getAll(Array(dead))
        #expect(read.filter { $0["error"]["code"] != 1 } == [])
        var more = Promises()
        for batch in 1...3 { #expect(try more.put(batchOf64("new\(batch)"), at: node) == []) }
        #expect(try more.broken(at: node) == [])
      }
    }

    @Test(
      "expired records make room on a full disk",
      .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
    func expiryOnDisk() throws {
      try withNetwork(options: ["--set", "expiry_interval=1s"]) { network in
        let space = try Namespaces(for: network)
        let port = try Ports.next()
        try space.mountStateDirectory(of: port, bytes: 3 << 20)
        try expiry(at: network.launch(port: port, in: space).waitUntilReady())
      }
    }

    @Test("expired records make room in a store that has reached storage.max_bytes")
    func expiryBelowLimit() throws {
      let options = ["--set", "expiry_interval=1s", "--set", "storage.max_bytes=1MiB"]
      try withNetwork(1, options: options) { network in
        try expiry(at: network.nodes[0])
        let used = try network.nodes[0].counter("storage_used")
        #expect(used > 0 && used <= 1 << 20)
      }
    }

    private func expiry(at node: DaemonProcess) throws {
      var lasting = Promises()
      #expect(try lasting.put(batchOf64("lasting"), at: node) == [])
      var counts: [Int] = []
      for round in 1...2 {
        var passing = Promises()
        let refused = try fill(node, &passing, "passing\(round)", ttl: 3)
        #expect(!refused.isEmpty)
        for answer in refused { #expect(isStorageFull(answer), "\(answer)") }
        #expect(try lasting.broken(at: node) == [])
        counts.append(passing.confirmed)
        try eventually("all of round \(round) to have expired, and to be gone") {
          try node.counter("stored_keys") == 64
        }
        #expect(try node.heldKeys().count == 64)
      }
      // As much fits again.
      #expect(Double(counts[1]) > 0.8 * Double(counts[0]), "\(counts)")
      #expect(try lasting.broken(at: node) == [])
    }

    @Test(
      "if some holders are full, other nodes confirm puts, and the full ones keep their records",
      .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
    func network() throws {
      try withNetwork(options: ["--set", "k=3"]) { network in
        let space = try Namespaces(for: network)
        var first: DaemonProcess?
        for number in 1...7 {
          let port = try Ports.next()
          if number > 5 { try space.mountStateDirectory(of: port, bytes: 1 << 20) }
          let node = try network.launch(port: port, bootstrap: first.map { [$0.address] } ?? [], in: space)
          first = first ?? node
          try node.waitUntilReady()
        }
        let full = Array(network.nodes.suffix(2))
        func refusals() throws -> [Int64] { try full.map { try $0.counter("records_refused") } }
        var promises = Promises()
        var movedOn = 0
        for batch in 1...100 where try refusals().contains(where: { $0 < 30 }) {
          let all = batchOf64("batch\(batch)")
          for (key, value) in all { promises.began(key, value) }
          let answers = try network.nodes[batch % 5].client().putAll(all)
          for (pair, answer) in zip(all, answers) {
            promises.ended(pair.key, pair.value, answer)
            let result = answer["result"]
            #expect(result["stored"] == 3, "\(answer)")
            if result["failures"].array.contains(where: { $0["reason"].string?.contains("full") == true }) {
              movedOn += 1
            }
          }
        }
        #expect(movedOn > 0)
        for node in full { node.kill() }
        for node in full { try node.startAgain().waitUntilReady() }
        for node in [network.nodes[0]] + full { #expect(try promises.broken(at: node) == []) }
      }
    }
  }
}
