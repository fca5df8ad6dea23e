import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("A burst of reads while nodes die")
struct BurstTests {
  /// Reads keys at a node, so many at once, and tells how long each read took, in the order in which they
  /// were begun.
  private func read(
    _ keys: [Int], at reader: Int, inFlight: Int, in network: inout SimulatedNetwork
  ) throws -> [Duration] {
    var took = Array(repeating: Duration.zero, count: keys.count)
    var running: [(key: Int, ticket: Ticket, began: Instant)] = []
    var next = 0
    while next < keys.count || !running.isEmpty {
      while running.count < inFlight, next < keys.count {
        running.append((next, try network.beginGet("key \(keys[next])", at: reader), network.time))
        next += 1
      }
      let tickets = running.map(\.ticket)
      network.run(until: network.time + .seconds(10)) { network in tickets.contains { network.hasOutcome($0) }
      }
      for (index, read) in running.enumerated().reversed() where network.hasOutcome(read.ticket) {
        switch try network.outcome(of: read.ticket) {
        // Where most of the holders are dead, nobody can tell whether the version is the newest.
        case .get(.found), .get(.unconfirmed): break
        default: throw NotFound(key: keys[read.key])
        }
        took[read.key] = network.time.since(read.began)
        running.remove(at: index)
      }
    }
    return took
  }

  struct NotFound: Error { let key: Int }

  @Test(
    "right after half or three quarters of a fast network are killed, only the first reads wait",
    arguments: [16, 24], 90..<94)
  func killed(_ count: Int, _ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 32) {
      $0.links.delay = .microseconds(90)...(.microseconds(100))
      $0.links.jitter = .microseconds(20)
    }
    let keys = 200
    for key in 0..<keys { _ = try network.put("key \(key)", "value", at: key % 32) }
    let reader = 31
    var random = SplitMix64(seed: seed)
    let killed = Array((0..<31).shuffled(using: &random).prefix(count))
    network.kill(killed)
    let held = (0..<keys).filter { !network.holders(of: "key \($0)").isEmpty }
    // Of eight holders all are killed now and then.
    #expect(held.count > keys * 3 / 4)

    let first = try read(held, at: reader, inFlight: 16, in: &network).sorted()
    #expect(first[held.count / 2] < .milliseconds(5), "\(first[held.count / 2])")
    // A read waits in steps of one soft timeout, which is 20 ms here: four of them in most networks, and up to
    // seven where three quarters are dead.
    #expect(first[held.count * 99 / 100] < .milliseconds(150), "\(first[held.count * 99 / 100])")
    // Whom one read has waited for, no later one does; a few that are dead may not have been asked yet.
    let second = try read(held, at: reader, inFlight: 16, in: &network).sorted()
    #expect(second[held.count * 9 / 10] < .milliseconds(5), "\(second[held.count * 9 / 10])")
    #expect(second[held.count - 1] < .milliseconds(50), "\(second[held.count - 1])")
    let third = try read(held, at: reader, inFlight: 16, in: &network).sorted()
    #expect(third[held.count - 1] < .milliseconds(5), "\(third[held.count - 1])")
  }
}
