import NodeTime
import Simulation
import Testing

@testable import Kademlia

@Suite("Clocks that are wrong")
struct ClockTests {
  @Test("what was written while all clocks were hours ahead is read, written and deleted once they are right")
  func setBack() throws {
    var network = SimulatedNetwork.joined(seed: 940, nodes: 13)
    for host in 0..<13 { network[host].clockOffset = .seconds(7200) }
    let first = try network.put("key", "of the future", at: 0)
    #expect(first.verdict == .stored && first.stored == 8)
    _ = try network.put("other", "of the future", at: 1)
    for host in 0..<13 { network[host].clockOffset = .zero }
    for host in 0..<13 { #expect(try network.get("key", at: host).confirmedText == "of the future") }
    let second = try network.put("key", "of the present", at: 5)
    #expect(second.verdict == .stored && second.version.seq == first.version.seq + 1)
    let conditional = try network.put("key", "conditional", at: 6, ifSeq: second.version.seq)
    #expect(conditional.verdict == .stored)
    #expect(try network.delete("other", at: 7).verdict == .stored)
    for host in 0..<13 {
      #expect(try network.get("key", at: host).confirmedText == "conditional")
      #expect(try network.get("other", at: host).isNotFound)
    }
  }

  @Test("a network of one reads and writes what it stored while its clock was ahead")
  func aloneSetBack() throws {
    var network = SimulatedNetwork.joined(seed: 941, nodes: 1)
    network[0].clockOffset = .seconds(7200)
    _ = try network.put("key", "old", at: 0)
    network[0].clockOffset = .zero
    #expect(try network.get("key", at: 0).confirmedText == "old")
    #expect(try network.put("key", "new", at: 0).verdict == .stored)
    #expect(try network.get("key", at: 0).confirmedText == "new")
    #expect(try network.delete("key", at: 0).verdict == .stored)
    #expect(try network.get("key", at: 0).isNotFound)
  }

  @Test("a writer whose clock is behind writes above what the holders have", arguments: [3, 60, 650])
  func behind(_ seconds: Int) throws {
    var network = SimulatedNetwork.joined(seed: 942, nodes: 13)
    let first = try network.put("key", "old", at: 0)
    network[1].clockOffset = .seconds(-seconds)
    let second = try network.put("key", "new", at: 1)
    #expect(second.verdict == .stored && second.version.seq == first.version.seq + 1)
    for host in 0..<13 { #expect(try network.get("key", at: host).confirmedText == "new") }
  }

  @Test(
    "a liar that names a version far ahead blocks no writer and hides no value", arguments: [5, 599, 7200])
  func liar(_ lead: Int64) throws {
    var network = SimulatedNetwork.joined(seed: 943, nodes: 13)
    let closest = network.replicas(of: "key")
    _ = try network.put("key", "old", at: closest[1])
    network[closest[0]].tamper = { message in
      message.changingResponse { response in
        guard let held = response.held else { return }
        response.held = .record(
          .plain("key", "lie", seq: held.version.seq + lead * 1_000_000, expiry: held.version.expiry))
      }
    }
    for host in 0..<13 where host != closest[0] {
      #expect(try network.get("key", at: host).confirmedText == "old")
    }
    let writer = closest[2]
    let put = try network.put("key", "new", at: writer)
    #expect(put.verdict == .stored && put.stored >= 7)
    for host in 0..<13 where host != closest[0] {
      #expect(try network.get("key", at: host).confirmedText == "new")
    }
  }

  @Test("a key at the greatest seq takes no further version, and the put says why")
  func exhausted() throws {
    var network = SimulatedNetwork.joined(seed: 944, nodes: 1)
    let record = Record.plain("key", "last", seq: .max)
    _ = try network[0].store.apply(.keep(record))
    let put = try network.put("key", "more", at: 0)
    #expect(put.verdict == .seqExhausted)
  }

  @Test("a value lives at least as long as was promised", arguments: [1, 2, 3])
  func ttl(_ seconds: Int64) throws {
    var network = SimulatedNetwork.joined(seed: 945, nodes: 5)
    // Late in a second of civil time.
    network.run(for: .milliseconds(900))
    let began = network.time
    _ = try network.put("key", "value", at: 0, ttl: seconds)
    network.run(until: began + .milliseconds(1000 * Int(seconds) - 50))
    #expect(try network.get("key", at: 1).confirmedText == "value")
    network.run(for: .seconds(2))
    #expect(try network.get("key", at: 1).isNotFound)
  }
}
