import Kademlia
import Simulation
import Testing

@Suite("The trace of a run") struct TraceTests {
  /// A busy network, with everything that can happen to a datagram.
  private func play(
    seed: UInt64 = 3, tracer: ((TraceEntry) -> Void)? = nil,
    change: (inout SimulatedNetwork) -> Void = { _ in }
  ) throws -> SimulatedNetwork {
    var configuration = SimulatedNetwork.Configuration()
    configuration.links.loss = 0.05
    configuration.links.duplication = 0.02
    configuration.remembersContacts = true
    var network = SimulatedNetwork(seed: seed, nodes: 30, configuration)
    network.tracer = tracer
    change(&network)
    network.run(for: .seconds(5))
    for number in 0..<20 { _ = try network.put("key \(number)", "value", at: number) }
    network.kill([3, 4, 5])
    network.run(for: .seconds(120))
    network.restart(4)
    for number in 0..<20 { _ = try network.get("key \(number)", at: 10 + number % 10) }
    network.run(for: .seconds(3600))
    return network
  }

  @Test("the same seed gives the same trace, and another seed a different one")
  func seeds() throws {
    #expect(try play().trace == play().trace)
    #expect(try play().trace != play(seed: 4).trace)
  }

  @Test("the order in which a node sends its datagrams of one step changes nothing")
  func order() throws {
    let inOrder = try play()
    let reversed = try play(change: { $0.sendsInReverse = true })
    #expect(inOrder.trace == reversed.trace)
    #expect(inOrder.datagramsSent == reversed.datagramsSent)
  }

  @Test("the fate of a datagram on a link does not depend on the traffic of another link")
  func links() throws {
    func arrivals(isOtherLinkBusy: Bool) throws -> [TraceEntry] {
      let log = Log<TraceEntry>()
      var configuration = SimulatedNetwork.Configuration()
      configuration.links.loss = 0.3
      var network = SimulatedNetwork(seed: 9, nodes: 0, configuration)
      for _ in 0..<4 { network.addHost(bootstrap: []) }
      network.run(for: .seconds(1))
      network.tracer = { if $0.host < 2 { log.entries.append($0) } }
      let (second, fourth) = (network[1].endpoint, network[3].endpoint)
      for number in 0..<50 {
        if isOtherLinkBusy { _ = try network.begin(at: 2) { try $0.ping($1, fourth) } }
        _ = try network.begin(at: 0) { try $0.ping($1, second) }
        network.run(for: .milliseconds(10 + number))
      }
      return log.entries
    }
    let alone = try arrivals(isOtherLinkBusy: false)
    let beside = try arrivals(isOtherLinkBusy: true)
    #expect(alone.map(\.time) == beside.map(\.time))
    #expect(alone.map(\.digest) == beside.map(\.digest))
    #expect(alone.count > 50)
  }

  @Test("the tracer receives the events of the trace in the order of time")
  func tracer() throws {
    let log = Log<TraceEntry>()
    let network = try play(tracer: { log.entries.append($0) })
    #expect(log.entries.count > 1000)
    #expect(zip(log.entries, log.entries.dropFirst()).allSatisfy { $0.time <= $1.time })
    #expect(log.entries.contains { $0.description.contains("find_node") })
    #expect(log.entries.contains { $0.description.contains("ended: put") })
    #expect(try network.trace == play().trace, "being watched changes nothing")
  }

  private final class Log<Element> { var entries: [Element] = [] }
}
