import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Read repair and lies")
struct ReadRepairTests {
  /// A network with a key that one of its closest holders has lost.
  private func damaged(_ seed: UInt64) throws -> (SimulatedNetwork, holder: Int, reader: Int) {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 24)
    _ = try network.put("key", "old", at: 1)
    let holder = network.replicas(of: "key")[0]
    network[holder].commitMode = .refuse(.full(limit: 0))
    _ = try network.put("key", "new", at: 1)
    network[holder].commitMode = .atOnce
    let replicas = network.replicas(of: "key")
    let reader = try #require((1..<24).first { !replicas.contains($0) })
    return (network, holder, reader)
  }

  /// Reads until every holder has been heard, as good as certainly: each read hears half of them.
  private func readOften(_ network: inout SimulatedNetwork, at reader: Int) throws {
    for _ in 0..<64 { _ = try network.get("key", at: reader) }
    network.run(for: .seconds(1))
  }

  private func value(_ network: SimulatedNetwork, _ host: Int) -> String? {
    network.stored("key", at: host).map { String(decoding: $0.value, as: UTF8.self) }
  }

  @Test("a read gives the newest version to a holder that has an older one", arguments: 50..<56)
  func older(_ seed: UInt64) throws {
    var (network, holder, reader) = try damaged(seed)
    #expect(value(network, holder) == "old")
    #expect(try network.value(of: "key", at: reader) == "new")
    try readOften(&network, at: reader)
    #expect(value(network, holder) == "new")
    #expect(network[reader].node.counters.repairsSent >= 1)
  }

  @Test("and to one that has none, be it a tombstone that it gives")
  func none() throws {
    var (network, holder, reader) = try damaged(51)
    _ = try network.delete("key", at: 2)
    network.restart(holder, keepingRecords: false)
    network.run(for: .seconds(3))
    #expect(network.stored("key", at: holder) == nil)
    #expect(try network.get("key", at: reader).isNotFound)
    try readOften(&network, at: reader)
    #expect(network.stored("key", at: holder)?.version.isTombstone == true)
  }

  @Test("a holder that does not take it is sent one repair in 10 minutes, however often is read")
  func limited() throws {
    var (network, holder, reader) = try damaged(52)
    network[holder].commitMode = .refuse(.full(limit: 0))
    let repairs = Log<Int>()
    network.observer = {
      if $0.message.putRecord != nil, $0.destination == holder { repairs.entries.append(1) }
    }
    for _ in 0..<20 {
      #expect(try network.value(of: "key", at: reader) == "new")
      network.run(for: .seconds(20))
    }
    #expect(repairs.entries.count == 1)
    network.run(for: .seconds(600))
    try readOften(&network, at: reader)
    #expect(repairs.entries.count == 2)
  }

  @Test("a read leaves no copies with nodes on its way")
  func notOnTheWay() throws {
    var network = SimulatedNetwork.joined(seed: 53, nodes: 100) {
      $0.links.delay = .milliseconds(2)...(.milliseconds(120))
    }
    for number in 0..<10 {
      let key = "key \(number)"
      _ = try network.put(key, "value", at: number)
      // Until those that were late for the put have it, too.
      network.run(for: .seconds(6))
      let before = Set(network.holders(of: key))
      for reader in stride(from: 0, to: 100, by: 9) { _ = try network.get(key, at: reader) }
      network.run(for: .seconds(1))
      let neighbourhood = network.closest(to: NodeID(sha1Of: Array(key.utf8)), count: 9)
      #expect(Set(network.holders(of: key)).subtracting(before).isSubset(of: neighbourhood))
    }
  }

  @Test("a record that is not of the target costs its sender its place", arguments: 60..<64)
  func wrongTarget(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 20)
    _ = try network.put("key", "value", at: 1)
    let liar = network.replicas(of: "key")[0]
    let lie = Record.plain("another key", "lie", seq: network.now(at: 0).wall.microseconds + 1000)
    let made = NodeID(sha1Of: Array("key".utf8))
    network[liar].tamper = {
      $0.changingResponse { response in
        guard response.token != nil else { return }
        response.held = .record(lie)
        response.nodes = [Peer(id: made, endpoint: .elsewhere(7))]
      }
    }
    let reader = network.replicas(of: "key")[6]
    for host in [reader, 0, 5] where host != liar {
      #expect(try network.value(of: "key", at: host) == "value")
    }
    let put = try network.put("key", "again", at: reader)
    #expect(put.stored == 8)
    #expect(!put.failures.contains { $0.peer.id == network[liar].id })
    #expect(network[reader].store.stored(RecordID(.plain, lie.target)) == nil)
  }

  @Test("a reader does not keep for itself what it would not take from others")
  func ownTerms() throws {
    var network = SimulatedNetwork.joined(seed: 65, nodes: 8)
    let lie = Record.plain("key", "lie", seq: 5, expiry: .max)
    network[3].tamper = { $0.changingResponse { if $0.token != nil { $0.held = .record(lie) } } }
    for host in 0..<8 { _ = try network.get("key", at: host) }
    network.run(for: .seconds(1))
    #expect(network.holders(of: "key").isEmpty)
  }

  @Test("one that tells of a thousand nodes that do not exist keeps nobody from anything")
  func flood() throws {
    var network = SimulatedNetwork.joined(seed: 66, nodes: 24)
    _ = try network.put("key", "value", at: 1)
    let target = NodeID(sha1Of: Array("key".utf8))
    for liar in network.replicas(of: "key").prefix(3) {
      network[liar].tamper = { message in
        message.changingResponse { response in
          guard response.token != nil else { return }
          response.nodes = (0..<1000).map { number in
            let distance = Distance(high: 0, middle: 0, low: UInt32(number + 1))
            return Peer(id: target.at(distance), endpoint: .elsewhere(UInt32(number)))
          }
        }
      }
    }
    for host in stride(from: 1, to: 24, by: 4) {
      #expect(try network.value(of: "key", at: host) == "value")
    }
    #expect(try network.put("key", "again", at: 2).verdict == .stored)
  }
}
