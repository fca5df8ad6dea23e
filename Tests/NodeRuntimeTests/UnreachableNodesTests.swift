import Kademlia
import NodeRuntime
import NodeTime
import TestSupport
import Testing

@Suite("Saved unreachable nodes") struct UnreachableNodesTests {
  private static let now = WallTime(seconds: 1_800_000_000)

  private func node(_ number: UInt8, for duration: Duration) -> SilentNode {
    let peer = Peer(
      id: NodeID(sha1Of: [number]), endpoint: Endpoint(.v4(0x7F00_0001), port: 8000 + UInt16(number)))
    return SilentNode(peer, for: duration)
  }

  @Test("silent nodes are read with the time that has passed, and forgotten names as they were")
  func roundTrip() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      #expect(try UnreachableNodes(from: state, Self.now) == UnreachableNodes())
      var saved = UnreachableNodes()
      saved.nodes = [
        node(1, for: .seconds(5)), node(2, for: .seconds(900)),
      ]
      saved.forgottenNames = [NodeName(host: "node.example", port: 8001), NodeName(host: "::1", port: 1)]
      try saved.write(to: state, Self.now)
      let read = try UnreachableNodes(from: state, WallTime(seconds: 1_800_000_100))
      #expect(read.nodes == [node(1, for: .seconds(105)), node(2, for: .seconds(1_000))])
      #expect(read.forgottenNames == saved.forgottenNames)
    }
  }

  @Test("nodes that have been silent for a day, times ahead of the clock and invalid lines are skipped")
  func invalid() throws {
    try withTemporaryDirectory { path in
      let state = try StateDirectory(path)
      let id = NodeID(sha1Of: [1])
      let text = """
        silent 127.0.0.1:8001 \(id) \(1_800_000_000 - 86_401)
        silent 127.0.0.1:8002 \(id) 1800000001
        silent 127.0.0.1:8003 \(id) -9223372036854775808
        silent 127.0.0.1:0 \(id) 1799999999
        silent 127.0.0.1:8004 abc 1799999999
        silent 127.0.0.1:8005
        forgotten name
        forgotten name 65536
        nonsense \u{0}
        silent 127.0.0.1:8006 \(id) 1799999990
        """
      try state.write(Array(text.utf8), to: UnreachableNodes.fileName)
      let read = try UnreachableNodes(from: state, Self.now)
      #expect(read.nodes.map(\.peer.endpoint.port) == [8006])
      #expect(read.nodes.map(\.duration) == [.seconds(10)])
      #expect(read.forgottenNames.isEmpty)
    }
  }
}
