import Kademlia
import KRPC
import NodeTime
import SeededRandom
import Simulation

extension Case {
  /// The work for each datagram before it is decoded, which is all the work for a datagram of a flood.
  static let floods = [
    Case("Node: drop a query of a source over its limit", units: 0.07, allocations: 0) {
      let gate = Gate()
      // A second's flood: what the bucket holds, and what it gains.
      guard gate.takes(from: 1, times: 100_000) <= 2 * FloodLimits().requestsPerSource else {
        throw NotAsExpected("too many were taken")
      }
      return { times in keep(gate.takes(from: 1, times: times)) }
    },
    Case("Node: drop a query from a false address, of a million", units: 0.1, allocations: 0) {
      let gate = Gate()
      guard gate.takes(from: 1 << 20, times: 1_000_000) < 500_000 else {
        throw NotAsExpected("too many were taken")
      }
      return { times in keep(gate.takes(from: 1 << 20, times: times)) }
    },
  ]
}

/// A node, and a flood of queries to it: a hundred thousand a second.
private final class Gate {
  private var node: Node
  private let query: [UInt8]
  private var now = Instant.start
  private var random = SplitMix64(seed: 5)

  init() {
    let world = BenchmarkWorld()
    let identity = Node.Identity(
      id: world.local, endpoints: [SimulatedHost.endpoint(of: 2000)], families: .v4,
      tokenSecret: Array(repeating: 7, count: 32))
    node = Node(
      Now(monotonic: .start, wall: .start), identity: identity, parameters: Parameters(),
      records: MemoryStore(maxBytes: 1 << 20), random: SplitMix64(seed: 3))
    var bytes: [UInt8] = []
    KRPC.encode(SampleMessages.get, appendingTo: &bytes)
    query = bytes
  }

  /// - Parameter sources: as many send, in no order.
  /// - Returns: how many of the queries would be decoded.
  func takes(from sources: UInt64, times: Int) -> Int {
    let query = query
    var taken = 0
    for _ in 0..<times {
      now = now + .microseconds(10)
      let address = IPAddress.v4(0x0A00_0000 + UInt32(random.next() & (sources - 1)))
      let admission = node.receive(
        Now(monotonic: now, wall: .start), bytes: query.count, from: Endpoint(address, port: 9),
        answering: KRPC.answeredTransaction(in: query.span.bytes)
      ) {
        // The cost of decoding is no part of this case.
        .malformed(reply: nil)
      }
      if admission == .admitted { taken += 1 }
    }
    return taken
  }
}
