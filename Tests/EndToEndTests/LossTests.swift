import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("Holders that leave for good") struct LossTests {
    @Test("after half of 32 nodes leave at once, every key with a holder left is read and has eight again")
    func half() throws {
      try withNetwork(32, options: ["--set", "replicate_interval=15s"], lifetime: 240) { network in
        var random = SplitMix64(seed: 21)
        var promises = Promises()
        for (node, share) in zip(network.nodes, pairs(200).dealt(among: 32)) {
          #expect(try promises.put(share, at: node) == [])
        }
        let keys = promises.keys
        let before = try network.nodes[0].places(of: keys).map { Set($0.filter { $0.held != nil }.map(\.id)) }
        let order = network.nodes.shuffled(using: &random)
        let (dead, living) = (Array(order.prefix(16)), Array(order.suffix(16)))
        let livingIDs = Set(try living.compactMap { try $0.nodeID() })
        for node in dead { node.process.send(signal: SIGKILL) }
        for node in dead { node.kill() }

        let surviving = zip(keys, before).filter { !$1.isDisjoint(with: livingIDs) }.map(\.0)
        // By chance alone some keys have lost all holders, and few have.
        #expect(surviving.count > 150)
        let reader = living[0]
        for (key, answer) in zip(surviving, try reader.client().getAll(surviving)) {
          #expect(answer["result"]["seq"].integer == promises.seq(of: key), "\(key): \(answer)")
        }
        try eventually("eight living holders of every key", within: 100) {
          try zip(surviving, reader.places(of: surviving)).allSatisfy { key, places in
            let holders = places.filter { $0.held == Held(seq: promises.seq(of: key) ?? -1) }
            return Set(holders.map(\.id)).intersection(livingIDs).count == 8
          }
        }
        for (key, answer) in zip(surviving, try living[9].client().getAll(surviving)) {
          #expect(answer["result"]["seq"].integer == promises.seq(of: key), "\(key): \(answer)")
        }
      }
    }
  }

  @Suite("Publishers republish their records") struct RepublishTests {
    private static let options = [
      "--set", "k=3", "--set", "replicate_interval=2s", "--set", "republish_interval=2s",
    ]

    /// Stops nodes, removes all records that they hold, and starts them again.
    private func loseDisks(of nodes: [DaemonProcess], meanwhile: () throws -> Void = {}) throws {
      for node in nodes { #expect(try node.stop() == .exited(0)) }
      for node in nodes {
        for name in try FileManager.default.contentsOfDirectory(atPath: node.stateDirectory)
        where name.hasPrefix("records") {
          try FileManager.default.removeItem(atPath: "\(node.stateDirectory)/\(name)")
        }
      }
      try meanwhile()
      for node in nodes { try node.startAgain() }
      for node in nodes { try node.waitUntilReady() }
    }

    @Test("a publisher restores a record that all holders have lost, even after it was killed")
    func putsBack() throws {
      try withNetwork(7, options: Self.options) { network in
        let publisher = network.nodes[3]
        let others = network.nodes.filter { $0 !== publisher }
        var promises = Promises()
        #expect(try promises.put(pairs(100), at: publisher) == [])
        #expect(try publisher.counter("published_keys") == 100)
        let own = try publisher.heldKeys()
        let far = promises.keys.filter { own[$0] == nil }
        #expect(far.count > 20)
        for isKilled in [false, true] {
          try loseDisks(of: others) { if isKilled { publisher.kill() } }
          if isKilled { try publisher.startAgain().waitUntilReady() }
          // Two holders are a majority of three: from then on no read misses it.
          try eventually("the publisher to have put back all keys", within: 40) {
            try zip(far, publisher.places(of: far)).allSatisfy { key, places in
              places.count { $0.held == Held(seq: promises.seq(of: key) ?? -1) } == 3
            }
          }
          for reader in network.nodes { #expect(try promises.broken(at: reader) == []) }
        }
      }
    }

    @Test("a publisher does not restore a value that another node has overwritten or deleted")
    func overwritten() throws {
      try withNetwork(7, options: Self.options) { network in
        let (first, second) = (network.nodes[2], network.nodes[5])
        let all = pairs(40)
        for answer in try first.client().putAll(all) { #expect(answer["result"]["seq"].integer != nil) }
        var promises = Promises()
        let newer = all.prefix(20).map { (key: $0.key, value: "the second's \($0.value)") }
        let deleted = all.suffix(20).map(\.key)
        #expect(try promises.put(newer, at: second) == [])
        for answer in try second.client().callAll(deleted.map { ("delete", ["key": .string($0)]) }) {
          #expect(answer["result"]["seq"].integer != nil)
        }
        // It notices when it comes to look after them.
        try eventually("the first publisher to give them up", within: 40) {
          try first.counter("published_keys") == 0
        }
        try loseDisks(of: network.nodes.filter { $0 !== first && $0 !== second })
        try eventually("the second publisher to have put back its own", within: 40) {
          try zip(newer, second.places(of: newer.map(\.key))).allSatisfy { pair, places in
            places.count { $0.held == Held(seq: promises.seq(of: pair.key) ?? -1) } == 3
          }
        }
        for reader in network.nodes {
          #expect(try promises.broken(at: reader) == [])
          for answer in try reader.client().getAll(deleted) { #expect(answer["error"]["code"] == 1) }
        }
      }
    }
  }
}
