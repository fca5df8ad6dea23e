import Foundation
import Testing

extension EndToEnd {
  @Suite("Records that were damaged on disk") struct DamageTests {
    private func isToldOfDamage(_ node: DaemonProcess) -> Bool {
      node.process.errorLines.contains { $0.contains(" error ") && $0.contains("store was damaged") }
    }

    /// Pairs of which no value begins like another.
    private func delimited(_ count: Int) -> [(key: String, value: String)] {
      (1...count).map { ("key\($0)", "<\($0)>") }
    }

    /// The keys that a node, by its own word, does not hold at their last seq.
    private func keysMissing(at node: DaemonProcess, of promises: Promises) throws -> [String] {
      let id = try node.nodeID()
      return try zip(promises.keys, node.places(of: promises.keys)).filter { key, places in
        places.first { $0.id == id }?.held != promises.seq(of: key).map { Held(seq: $0) }
      }.map(\.0)
    }

    /// Waits until a node, by its own word for each key, holds all that it held: `keys` goes by an index.
    private func expectRefill(
      of node: DaemonProcess, after damage: RecordsFile.Damage, _ promises: Promises
    ) throws {
      var missing: [String] = []
      do {
        try eventually("node \(node.port) to be filled again after \(damage)", within: 30) {
          missing = try node.tended { try keysMissing(at: node, of: promises) }
          return missing.isEmpty
        }
      } catch {
        Issue.record("\(error): \(missing), \(try node.status()), \(node.process.errorLines)")
      }
      let stored = try node.tended { try node.counter("stored_keys") }
      #expect(stored == 300, "\(damage)")
    }

    @Test("with any damage, a node starts, keeps the file, reads all keys and gets its records back")
    func anything() throws {
      let cases: [RecordsFile.Damage] = [
        .cut(bytes: 0), .cut(bytes: 5_000), .cutTo(percent: 30), .cutTo(percent: 90), .noise(seed: 1),
        .bits(3, seed: 2), .bits(30, seed: 3), .bits(30, seed: 4), .bits(300, seed: 5),
        .bits(5_000, seed: 6), .bits(20_000, seed: 7), .noise(seed: 8),
      ]
      try withNetwork(8, options: ["--set", "replicate_interval=2s"]) { network in
        var promises = Promises()
        for (node, share) in zip(network.nodes, pairs(300).dealt(among: 8)) {
          #expect(try promises.put(share, at: node) == [])
        }
        for node in network.nodes { #expect(try node.counter("stored_keys") == 300) }
        // Three at once: five of the eight holders have all.
        for start in stride(from: 0, to: cases.count, by: 3) {
          let damaged = (0..<3).map { (network.nodes[(start + $0) % 8], cases[start + $0]) }
          var images: [[UInt8]] = []
          var keptBefore: [[String]] = []
          for (node, damage) in damaged {
            #expect(try node.stop() == .exited(0))
            let file = RecordsFile(of: node)
            keptBefore.append(try file.kept())
            try file.suffer(damage)
            images.append(try file.bytes())
          }
          for (node, _) in damaged { try node.startAgain() }
          for (index, (node, damage)) in damaged.enumerated() {
            try node.tended { try node.waitUntilReady() }
            let broken = try node.tended { try promises.broken(at: node) }
            #expect(broken == [], "\(damage)")
            if damage.isPlain {
              #expect(isToldOfDamage(node), "\(damage): \(node.process.errorLines)")
              let kept = try RecordsFile(of: node).kept().filter { !keptBefore[index].contains($0) }
              #expect(try kept.map(contents) == [images[index]], "\(damage)")
            }
          }
          for (node, damage) in damaged {
            if damage.isPlain {
              try expectRefill(of: node, after: damage, promises)
            } else {
              // Only records have checksums. A bit of an index or of a page's own fields may hide a record,
              // or count one twice, until something else has the file searched.
              withKnownIssue("damage between the records is not noticed", isIntermittent: true) {
                try expectRefill(of: node, after: damage, promises)
              }
            }
          }
          for node in network.nodes {
            let broken = try node.tended { try promises.broken(at: node) }
            #expect(broken == [])
          }
        }
      }
    }

    @Test("damaged values are detected when they are read, and come from other nodes")
    func values() throws {
      try withNetwork(8) { network in
        var promises = Promises()
        let all = delimited(100)
        #expect(try promises.put(all, at: network.nodes[0]) == [])
        let node = network.nodes[5]
        #expect(try node.stop() == .exited(0))
        for pair in all.prefix(20) { #expect(try RecordsFile(of: node).flip(pair.value) > 0) }
        try node.startAgain().waitUntilReady()
        #expect(!isToldOfDamage(node))
        #expect(try promises.broken(at: node) == [])
        #expect(try node.counter("records_damaged") > 0)
        try node.waitForLogLine { $0.contains(" error ") && $0.contains("is damaged") }
        // The next start looks at all of it, and what it left out then comes back, too.
        #expect(try node.stop() == .exited(0))
        try node.startAgain("--set", "replicate_interval=1s").waitUntilReady()
        #expect(isToldOfDamage(node))
        #expect(try RecordsFile(of: node).kept().count == 1)
        for reader in network.nodes { #expect(try promises.broken(at: reader) == []) }
        try eventually("all keys to be back", within: 40) { try node.heldKeys().count == 100 }
      }
    }

    @Test("a single node with a damaged value loses only that value")
    func alone() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        var promises = Promises()
        let all = delimited(200)
        #expect(try promises.put(all, at: node) == [])
        let unhurt = Set(all.map(\.key)).subtracting(["key77"])
        let seqs = try node.heldKeys()
        #expect(try node.stop() == .exited(0))
        #expect(try RecordsFile(of: node).flip("<77>") > 0)
        for isSearched in [false, true] {
          try node.startAgain().waitUntilReady()
          #expect(isToldOfDamage(node) == isSearched)
          let answers = try node.client().getAll(all.map(\.key))
          let wrong = zip(all, answers).filter { $0.value != $1["result"]["value"].string }
          #expect(wrong.map(\.0.key) == ["key77"])
          #expect(wrong.first?.1["error"]["code"] == 1)
          if !isSearched { #expect(try node.counter("records_damaged") == 1) }
          #expect(try node.heldKeys() == seqs.filter { unhurt.contains($0.key) })
          #expect(try node.stop() == .exited(0))
        }
        // And the place is not lost.
        try node.startAgain().waitUntilReady()
        #expect(!isToldOfDamage(node))
        #expect(try promises.put([("key77", "once more")], at: node) == [])
        #expect(try promises.broken(at: node) == [])
      }
    }

    @Test("a file of a newer version is not changed, and the node says what to do")
    func newer() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        #expect(try node.stop() == .exited(0))
        let file = RecordsFile(of: node)
        try file.becomeNewer()
        let bytes = try file.bytes()
        let refused = try network.dhtd(
          "\(node.port)", "--state-dir", node.stateDirectory, "--control-socket", node.socketPath)
        #expect(refused.isComplaint(status: 1, of: "dhtd", file.path, "newer", "upgrade"), "\(refused)")
        #expect(try file.bytes() == bytes)
        #expect(try file.kept() == [])
      }
    }
  }
}
