import EventLoop
import Kademlia
import Logging
import NodeTime
import Sealing
import Testing

@testable import NodeRuntime

@Suite("A running node", .serialized)
struct NodeRuntimeTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// Runs a body with nodes on IPv4 loopback, each knowing the first, and stops them after it.
  private func withNodes(
    _ count: Int, host: String = "127.0.0.1", keyring: Keyring? = nil,
    _ body: ([NodeRuntime]) async throws -> Void
  ) async throws {
    var nodes: [NodeRuntime] = []
    do {
      for index in 0..<count {
        var random = SystemRandomNumberGenerator()
        var configuration = NodeSettings(
          id: NodeID(random: &random), port: 0, binding: .addresses([host]))
        configuration.keyring = keyring
        if index > 0, let first = nodes[0].addresses.first {
          configuration.bootstrap = [NodeName(host: host, port: first.port)]
        }
        let node = try await NodeRuntime.start(
          configuration, on: try EventLoop(), logger: logger,
          store: { MemoryStore(maxBytes: 1 << 20) })
        nodes.append(node)
        try await node.join()
      }
      try await body(nodes)
    } catch {
      for node in nodes {
        try? await node.stop()
        await node.loop.stop()
      }
      throw error
    }
    for node in nodes {
      try await node.stop()
      await node.loop.stop()
    }
  }

  private func outcome(at node: NodeRuntime, of request: OperationRequest) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      node.loop.execute {
        do throws(OperationRefusal) {
          try node.driver.value.submit(request, for: .anybody) { continuation.resume(returning: $0) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }

  @Test("stores at every node over real sockets and reads it at another", arguments: ["127.0.0.1", "::1"])
  func putAndGet(host: String) async throws {
    try await withNodes(3, host: host) { nodes in
      let put = try await outcome(at: nodes[1], of: .put(key: [1], value: [2, 3], ttl: nil, ifSeq: nil))
      guard case .put(let stored) = put else {
        Issue.record("not a put: \(put)")
        return
      }
      #expect(stored.verdict == .stored)
      #expect(stored.stored == 3)
      let get = try await outcome(at: nodes[2], of: .get(.plain(key: [1]), maxAge: 0, isTraced: false))
      guard case .get(.found(let record)) = get else {
        Issue.record("not found: \(get)")
        return
      }
      #expect(record.value == [2, 3])
    }
  }

  @Test(
    "nodes of a private network store the longest values, and change their keys while they run",
    arguments: ["127.0.0.1", "::1"])
  func privateNetwork(host: String) async throws {
    var random = SystemRandomNumberGenerator()
    let (old, new) = (NetworkKey(random: &random), NetworkKey(random: &random))
    func put(_ key: UInt8, at node: NodeRuntime) async throws -> Int {
      let value = [UInt8](repeating: key, count: 999)
      let outcome = try await outcome(at: node, of: .put(key: [key], value: value, ttl: nil, ifSeq: nil))
      guard case .put(let put) = outcome, put.verdict == .stored else { return 0 }
      return put.stored
    }
    try await withNodes(3, host: host, keyring: try Keyring(network: "n", keys: [old])) { nodes in
      #expect(try await put(1, at: nodes[1]) == 3)
      for keys in [[old, new], [new, old], [new]] {
        let keyring = try Keyring(network: "n", keys: keys)
        for node in nodes {
          try await node.loop.run { node.driver.value.adopt(keyring) }
          #expect(try await put(UInt8(keys.count), at: node) == 3)
        }
      }
      for node in nodes {
        let counts = try await node.loop.run { node.driver.value.port.openingCounts }
        #expect(try #require(counts).dropped == 0)
        #expect(try #require(counts).opened > 0)
      }
    }
    try await withNodes(1) { nodes in
      let counts = try await nodes[0].loop.run { nodes[0].driver.value.port.openingCounts }
      #expect(counts == nil)
    }
  }

  @Test("a wait whose task is cancelled ends, even if that was before the wait began")
  func cancelledWaits() async throws {
    try await withNodes(1) { nodes in
      for _ in 0..<50 {
        let waiting = Task { [node = nodes[0]] in await node.waitForFailure() }
        waiting.cancel()
        #expect(await waiting.value == nil)
      }
    }
  }

  @Test("the error for a port in use names it")
  func portInUse() async throws {
    try await withNodes(1) { nodes in
      let port = try #require(nodes[0].addresses.first).port
      var random = SystemRandomNumberGenerator()
      let configuration = NodeSettings(
        id: NodeID(random: &random), port: port, binding: .addresses(["127.0.0.1"]))
      await #expect(throws: NodeStartError.portInUse(address: "127.0.0.1", port: port)) {
        try await NodeRuntime.start(
          configuration, on: try EventLoop(), logger: logger,
          store: { MemoryStore(maxBytes: 1 << 20) })
      }
    }
  }

  @Test(
    "addresses that cannot be bound are refused",
    arguments: [
      (["localhost"], NodeStartError.notAnAddress("localhost")),
      (["127.0.0.1", "127.0.0.2"], NodeStartError.twoAddressesOfOneFamily("127.0.0.2")),
    ])
  func badBinding(addresses: [String], error: NodeStartError) async throws {
    let configuration = NodeSettings(
      id: NodeID(sha1Of: []), port: 0, binding: .addresses(addresses))
    await #expect(throws: error) {
      try await NodeRuntime.start(
        configuration, on: try EventLoop(), logger: logger,
        store: { MemoryStore(maxBytes: 1 << 20) })
    }
  }
}
