import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("Nodes that come and go with their records") struct ChurnTests {
    @Test("sixteen nodes, each killed in turn and then all at once, have every key at its last seq")
    func oneAfterTheOther() throws {
      try withNetwork(16) { network in
        var random = SplitMix64(seed: 11)
        var promises = Promises()
        for (node, share) in zip(network.nodes, pairs(500).dealt(among: 16)) {
          #expect(try promises.put(share, at: node) == [])
        }
        for (index, node) in network.nodes.enumerated() {
          node.kill()
          try node.startAgain().waitUntilReady()
          // At this node and at one that never went away, or did long ago.
          for reader in [node, network.nodes[(index + 8) % 16]] where index % 4 == 3 {
            #expect(try promises.broken(at: reader) == [], "after node \(index)")
          }
        }
        for node in network.nodes.shuffled(using: &random) { node.kill() }
        try network.startAllAgain()
        for node in network.nodes { #expect(try promises.broken(at: node) == []) }
      }
    }

    @Test("a node that was down receives the missed writes and deletions soon, without reads")
    func catchingUp() throws {
      try withNetwork(16) { network in
        var promises = Promises()
        let (writer, late) = (network.nodes[1], network.nodes[9])
        let id = try late.nodeID() ?? "?"
        #expect(try promises.put(pairs(400), at: writer) == [])
        let before = try late.heldKeys().keys.sorted()
        #expect(before.count > 100)
        late.kill()
        let overwritten = before.prefix(40).map { (key: $0, value: "newer value of \($0)") }
        let deleted = Array(before.dropFirst(40).prefix(40))
        let new = pairs(100, "new")
        #expect(try promises.put(overwritten + new, at: writer) == [])
        let deletions = try writer.client().callAll(deleted.map { ("delete", ["key": .string($0)]) })
        #expect(deletions.allSatisfy { $0["result"]["seq"].integer != nil })
        try late.startAgain().waitUntilReady()
        try eventually("node \(late.port) to have caught up", within: 100) {
          let held = try late.heldKeys()
          return overwritten.allSatisfy { held[$0.key] == promises.seq(of: $0.key) }
            && deleted.allSatisfy { held[$0] == nil }
        }
        // Everybody who looks them up sees it, and where it is among the closest of the new ones, too.
        let all = overwritten.map(\.key) + new.map(\.key) + deleted
        try eventually("node \(late.port) to hold what it should", within: 20) {
          try zip(all, writer.places(of: all)).allSatisfy { key, places in
            let expected = promises.seq(of: key).map { Held(seq: $0) }
            return places.filter { $0.id == id }.allSatisfy { place in
              deleted.contains(key) ? place.held?.isDeleted == true : place.held == expected
            }
          }
        }
      }
    }
  }
}
