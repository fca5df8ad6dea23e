import Foundation
import Testing

extension EndToEnd {
  @Suite("Nodes that fail and return") struct FailureTests {
    @Test("after two of four nodes are killed, the others serve reads, puts and deletions")
    func survivors() throws {
      try withNetwork(4) { network in
        let all = pairs(100)
        for (node, share) in zip(network.nodes, all.dealt(among: 4)) {
          for put in try node.client().putAll(share) { #expect(put["result"]["stored"] == 4) }
        }
        for node in network.nodes.prefix(2) { node.kill() }
        for node in network.nodes.suffix(2) { #expect(try wrongAnswers(at: node, to: all) == []) }
        let (c, d) = (network.nodes[2], network.nodes[3])
        let more = pairs(50, "late")
        for put in try c.client().putAll(more) {
          // The dead are no candidates any more.
          #expect(put["result"]["stored"] == 2)
        }
        #expect(try wrongAnswers(at: d, to: more) == [])
        #expect(try d.client().call("delete", ["key": "key1"])["result"]["stored"] == 2)
        #expect(try c.client().call("get", ["key": "key1"])["error"]["code"] == 1)
      }
    }

    @Test("a node whose bootstrap node comes up late is ready anyway, and finds it by itself")
    func lateBootstrapNode() throws {
      try withNetwork { network in
        let port = try Ports.next()
        let b = try network.launch(bootstrap: ["127.0.0.1:\(port)"]).waitUntilReady(within: 10)
        #expect(try b.client().put("early", "b")["result"]["stored"] == 1)
        let a = try network.launch(port: port).waitUntilReady()
        try eventually("the two nodes to meet", within: 60) {
          try a.knownNodes() == 1 && b.knownNodes() == 1
        }
        #expect(try b.client().put("later", "b")["result"]["stored"] == 2)
        #expect(try a.client().get("later") == "b")
        // Two replicas now, of which one answer is enough only where it is the newest: both are asked.
        #expect(try a.client().get("early") == "b")
      }
    }

    @Test("a node that stops or is killed returns with its ID, and rejoins")
    func restarts() throws {
      try withNetwork(2) { network in
        let (a, b) = (network.nodes[0], network.nodes[1])
        let id = try b.nodeID()
        #expect(id?.count == 40)
        #expect(try b.stop() == .exited(0))
        try b.startAgain().waitUntilReady()
        #expect(try b.nodeID() == id)
        b.kill()
        try b.startAgain().waitUntilReady()
        #expect(try b.nodeID() == id)
        #expect(try b.knownNodes() == 1)
        #expect(try b.client().put("back", "again")["result"]["stored"] == 2)
        #expect(try a.client().get("back") == "again")
      }
    }

    @Test("the first node of a network, killed and started without a bootstrap address, is found again")
    func firstNodeReturns() throws {
      try withNetwork(2) { network in
        let (a, b) = (network.nodes[0], network.nodes[1])
        a.kill()
        try a.startAgain().waitUntilReady()
        try eventually("the two nodes to meet again", within: 60) {
          try a.knownNodes() == 1 && b.knownNodes() == 1
        }
        #expect(try a.client().put("again", "together")["result"]["stored"] == 2)
        #expect(try b.client().get("again") == "together")
      }
    }

    @Test("a stopped node ends with status 0 and removes its socket", arguments: [SIGTERM, SIGINT])
    func stops(signal: Int32) throws {
      try withNetwork(1) { (network) throws in
        let node = network.nodes[0]
        #expect(exists(node.socketPath))
        #expect(try node.stop(signal) == .exited(0))
        #expect(!exists(node.socketPath))
        #expect(kill(node.process.id, 0) != 0)
      }
    }

    @Test("further signals while a node stops change nothing")
    func stopsOnce() throws {
      try withNetwork(1) { (network) throws in
        let node = network.nodes[0]
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGTERM] { node.process.send(signal: signal) }
        #expect(try node.stop() == .exited(0))
        #expect(!exists(node.socketPath))
      }
    }

    @Test("a node stops at once although clients are connected and requests are running")
    func stopsUnderLoad() throws {
      try withNetwork(2) { network in
        let node = network.nodes[1]
        let idle = try node.connect()
        let busy = try node.connect()
        for (key, value) in pairs(100) {
          try busy.send(
            ControlSocketClient.line("put", ["key": .string(key), "value": .string(value)], id: 1))
        }
        #expect(try node.stop() == .exited(0))
        #expect(try idle.readLine() == nil)
      }
    }

    @Test("a signal during the join stops the node")
    func stopsWhileJoining() throws {
      try withNetwork { network in
        let silent = try UDPClient()
        let node = try network.launch(bootstrap: ["127.0.0.1:\(silent.boundPort)"])
        try node.waitForLogLine { $0.contains(" listens on ") }
        #expect(try node.stop() == .exited(0))
        #expect(!exists(node.socketPath))
        #expect(!node.process.errorLines.contains { $0.hasSuffix(" ready") })
      }
    }
  }
}
