import Kademlia
import NodeTime
import Simulation
import Testing

@Suite("New numbers for a running node") struct AdoptTests {
  /// Changes the numbers of all nodes.
  private func adopt(
    _ network: inout SimulatedNetwork, _ change: (inout Parameters) -> Void
  ) {
    for host in network.hosts.indices {
      var parameters = network[host].node.parameters
      change(&parameters)
      network.act(at: host) { node, now in node.adopt(now, parameters) }
    }
  }

  @Test("a shorter refresh interval counts from now on, and not only after the one that was planned")
  func refresh() {
    var network = SimulatedNetwork.joined(seed: 201, nodes: 20)
    network.run(for: .seconds(10))
    let before = network.hosts.map { $0.node.counters.lookups }
    adopt(&network) { $0.refreshInterval = .seconds(60) }
    network.run(for: .seconds(180))
    for host in network.hosts { #expect(host.node.counters.lookups > before[host.index]) }
  }

  @Test("a shorter RPC timeout has queries fail sooner")
  func rpcTimeout() throws {
    var network = SimulatedNetwork.joined(seed: 202, nodes: 2)
    adopt(&network) { $0.rpcTimeout = .seconds(1) }
    network.kill(1)
    let start = network.time
    let outcome = try network.ping(network[1].endpoint, at: 0)
    guard case .unanswered(_, let after) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(after == .seconds(1))
    #expect(network.time.since(start) <= .milliseconds(1100))
  }

  @Test("with more room for operations, those that wait in line begin")
  func room() throws {
    var configuration = SimulatedNetwork.Configuration()
    configuration.parameters.activeOperations = 1
    var network = SimulatedNetwork(seed: 203, nodes: 12, configuration)
    network.run(for: .seconds(20))
    let tickets = try (0..<6).map { try network.beginGet("key \($0)", at: 0) }
    #expect(network[0].node.operationsInProgress == 1)
    adopt(&network) { $0.activeOperations = 64 }
    #expect(network[0].node.operationsInProgress == 6)
    network.run(for: .seconds(20))
    for ticket in tickets { #expect(network.hasOutcome(ticket)) }
  }

  @Test("fewer remembered contacts are forgotten from the oldest on")
  func lostContacts() {
    var network = SimulatedNetwork.joined(seed: 204, nodes: 12)
    network.isolate([5])
    network.run(for: .seconds(900))
    let remembered = network[5].node.lostContacts
    #expect(remembered.count == 11)
    adopt(&network) { $0.lostContacts = 4 }
    #expect(network[5].node.lostContacts == remembered.suffix(4))
  }

  @Test("the numbers that a node is built on stay")
  func fixed() {
    var network = SimulatedNetwork.joined(seed: 205, nodes: 2)
    let built = network[0].node.parameters
    adopt(&network) {
      $0.k = 3
      $0.tokenEpoch = .seconds(60)
      $0.joinTimeout = .seconds(9)
    }
    let parameters = network[0].node.parameters
    #expect(parameters.k == built.k && parameters.tokenEpoch == built.tokenEpoch)
    #expect(parameters.joinTimeout == built.joinTimeout)
  }

  @Test("new bootstrap names join two networks")
  func bootstrap() throws {
    var network = SimulatedNetwork(seed: 206, nodes: 0)
    for host in 0..<8 {
      network.addHost(bootstrap: host % 4 == 0 ? [] : [SimulatedHost.endpoint(of: host / 4 * 4)])
    }
    network.run(for: .seconds(30))
    #expect(network[1].node.table.count == 3)
    network[1].bootstrap = [network[6].endpoint]
    network.act(at: 1) { node, now in node.bootstrapChanged(now, hasBootstrap: true) }
    network.run(for: .seconds(60))
    #expect(network[1].node.table.count == 7)
    #expect(try network.put("key", "value", at: 6).stored == 8)
  }

  @Test("a list that names only this node, under a family that it does not have too, is nothing to try")
  func onlyItself() {
    var network = SimulatedNetwork(seed: 209, nodes: 0)
    network.addHost(bootstrap: [SimulatedHost.endpoint(of: 0), Endpoint(.v6(0, 1), port: 8001)])
    network.run(for: .seconds(1))
    #expect(network[0].isJoined)
    #expect(network[0].notices.contains(.joined(contacts: 0)))
    #expect(network[0].node.counters.queriesSent == 0)
  }

  @Test("without bootstrap names a node that is alone tries none any more")
  func noBootstrap() {
    var network = SimulatedNetwork(seed: 207, nodes: 0)
    network.addHost(bootstrap: [SimulatedHost.endpoint(of: 1)])
    network.run(for: .seconds(30))
    #expect(network[0].node.counters.queriesSent > 0)
    network.act(at: 0) { node, now in node.bootstrapChanged(now, hasBootstrap: false) }
    network.run(for: .seconds(40))
    let sent = network[0].node.counters.queriesSent
    network.run(for: .seconds(600))
    #expect(network[0].node.counters.queriesSent == sent)
  }

  @Test("a network works with other sizes of bucket", arguments: [2, 3, 20])
  func otherK(k: Int) throws {
    var configuration = SimulatedNetwork.Configuration()
    configuration.parameters.k = k
    var network = SimulatedNetwork(seed: 208, nodes: 30, configuration)
    network.run(for: .seconds(30))
    for number in 0..<20 {
      let outcome = try network.put("key \(number)", "value", at: number)
      #expect(outcome.verdict == .stored && outcome.replicas == k)
      #expect(try network.value(of: "key \(number)", at: 29 - number) == "value")
    }
  }
}
