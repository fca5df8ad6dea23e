import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("Confirmed records outlive a kill") struct DurabilityTests {
    /// Keys that are written over and over, each value once.
    private struct Writes {
      private var random: SplitMix64
      private let keys: Int
      private var count = 0

      init(seed: UInt64, keys: Int) {
        random = SplitMix64(seed: seed)
        self.keys = keys
      }

      mutating func next() -> (key: String, value: String) {
        count += 1
        let filling = String(repeating: "x", count: Int.random(in: 0...400, using: &random))
        return ("key\(Int.random(in: 1...keys, using: &random))", "\(count) \(filling)")
      }
    }

    @Test("a single node that is killed 100 times during puts loses none of them")
    func alone() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        var random = SplitMix64(seed: 1)
        var writes = Writes(seed: 2, keys: 300)
        var promises = Promises()
        for round in 1...100 {
          let stream = try PutStream(node)
          // From before the first commit to some commits later.
          let moment = Deadline(within: Double.random(in: 0.001...0.04, using: &random))
          try PutStream.run([stream], until: moment, &promises) { writes.next() }
          node.kill()
          try stream.finish(&promises)
          try node.startAgain().waitUntilReady()
          let broken = try promises.broken(at: node)
          #expect(broken == [], "round \(round)")
          if !broken.isEmpty { break }
          #expect(!node.process.errorLines.contains { $0.contains(" damaged") }, "round \(round)")
        }
        // Enough for there to have been something to lose.
        #expect(promises.confirmed > 1_000)
      }
    }

    @Test("eight nodes, of which some or all are killed during puts, lose none of them")
    func network() throws {
      try withNetwork(8) { network in
        var random = SplitMix64(seed: 3)
        var writes = Writes(seed: 4, keys: 200)
        var promises = Promises()
        for round in 1...20 {
          let victims =
            switch round {
            case ...15: 1
            case ...18: 4
            default: 8
            }
          let order = network.nodes.shuffled(using: &random)
          // Puts go to a node that is killed, and to one that is not, if there is one.
          let streams = try [PutStream(order[0]), PutStream(order[7])]
          let moment = Deadline(within: Double.random(in: 0.005...0.1, using: &random))
          try PutStream.run(streams, until: moment, &promises) { writes.next() }
          for node in order.prefix(victims) { node.process.send(signal: SIGKILL) }
          for stream in streams { try stream.finish(&promises) }
          for node in order.prefix(victims) { try node.startAgain() }
          for node in order.prefix(victims) { try node.waitUntilReady() }
          let broken = try promises.broken(at: order[0]) + promises.broken(at: order[6])
          #expect(broken == [], "round \(round)")
          if !broken.isEmpty { break }
        }
        #expect(promises.confirmed > 1_000)
      }
    }
  }
}
