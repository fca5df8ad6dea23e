import Kademlia
import Simulation
import Testing

@Suite("A burst of reads while nodes die")
struct BurstTests {
  /// Reads keys at a node, so many at once, and tells how long each read took.
  private func read(
    _ keys: [Int], at reader: Int, inFlight: Int, in network: inout SimulatedNetwork
  ) throws -> [Duration] {
    var took: [Duration] = []
    var running: [(key: Int, ticket: Ticket, began: Instant)] = []
    var next = 0
    while next < keys.count || !running.isEmpty {
      while running.count < inFlight, next < keys.count {
        let key = keys[next]
        running.append((key, try network.beginGet("key \(key)", at: reader), network.time))
        next += 1
      }
      let tickets = running.map(\.ticket)
      network.run(until: network.time + .seconds(10)) { network in tickets.contains { network.hasOutcome($0) }
      }
      for (index, read) in running.enumerated().reversed() where network.hasOutcome(read.ticket) {
        guard case .get(.found) = try network.outcome(of: read.ticket) else { throw NotFound(key: read.key) }
        took.append(network.time.since(read.began))
        running.remove(at: index)
      }
    }
    return took
  }

  struct NotFound: Error { let key: Int }

  @Test(
    "right after half or three quarters of a fast network are killed, only the first reads wait",
    arguments: [16, 24], [90, 91])
  func killed(_ count: Int, _ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 32) {
      $0.links.delay = .microseconds(90)...(.microseconds(100))
      $0.links.jitter = .microseconds(20)
    }
    for key in 0..<200 { _ = try network.put("key \(key)", "value", at: key % 32) }
    let reader = 31
    var random = SplitMix64(seed: seed)
    let killed = Array((0..<31).shuffled(using: &random).prefix(count))
    network.kill(killed)
    // Of a key whose eight holders are all among those killed nobody has anything.
    let left = (0..<200).filter { !network.holders(of: "key \($0)").isEmpty }
    #expect(left.count > 150)

    let first = try read(left, at: reader, inFlight: 16, in: &network).sorted()
    #expect(first[first.count / 2] < .milliseconds(5), "\(first[first.count / 2])")
    #expect(first[first.count * 99 / 100] < .milliseconds(100), "\(first[first.count * 99 / 100])")
    // By now it knows nearly all that are dead, and waits for none of them; but where fewer than K others are
    // left and do not agree, for one soft timeout.
    let second = try read(left, at: reader, inFlight: 16, in: &network).sorted()
    let limit: Duration = count == 16 ? .milliseconds(5) : .milliseconds(25)
    #expect(second[second.count / 2] < .milliseconds(5), "\(second[second.count / 2])")
    #expect(second[second.count * 98 / 100] < limit, "\(second[second.count * 98 / 100])")
  }
}
