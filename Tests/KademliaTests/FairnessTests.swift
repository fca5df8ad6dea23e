import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("Many clients of one node")
struct FairnessTests {
  @Test("one that asks for hundreds at once does not keep another waiting, and loses none")
  func turns() throws {
    var network = SimulatedNetwork.joined(seed: 700, nodes: 20) { $0.parameters.activeOperations = 16 }
    for number in 0..<4 { _ = try network.put("key \(number)", "value", at: 2) }
    func begin(_ number: Int, for client: UInt64) throws -> Ticket {
      try network.begin(at: 1) { node, now throws(OperationRefusal) in
        let key = Array("key \(number % 4)".utf8)
        return try node.get(now, key: key, for: ClientID(rawValue: client))
      }
    }
    let greedy = try (0..<300).map { try begin($0, for: 1) }
    let modest = try (0..<2).map { try begin($0, for: 2) }
    network.run(until: network.time + .seconds(60)) { network in
      modest.allSatisfy { network.hasOutcome($0) }
    }
    // Those that ran already, and for each of the two one of the other's turns.
    #expect(greedy.count { network.hasOutcome($0) } <= 16 * 3)
    network.run(for: .seconds(60))
    #expect((greedy + modest).allSatisfy { network.hasOutcome($0) })
    for ticket in greedy + modest {
      guard case .get(.found) = try network.outcome(of: ticket) else {
        Issue.record("not found")
        return
      }
    }
  }

  @Test("when as many wait as may, the next is refused, whoever asks")
  func full() throws {
    var network = SimulatedNetwork.joined(seed: 701, nodes: 4) {
      $0.parameters.activeOperations = 1
      $0.parameters.waitingOperations = 3
    }
    for client in UInt64(0)..<5 {
      let body = { (node: inout Node, now: Now) throws(OperationRefusal) -> OperationID in
        try node.get(now, key: [1], for: ClientID(rawValue: client))
      }
      if client < 4 {
        _ = try network.begin(at: 1, body)
      } else {
        #expect(throws: OperationRefusal.busy(limit: 3)) { try network.begin(at: 1, body) }
      }
    }
  }
}
