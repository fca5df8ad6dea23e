import Foundation
import Testing

extension EndToEnd {
  @Suite("The identity of a node") struct IdentityTests {
    private func contacts(_ node: DaemonProcess) throws -> [(id: String, isProven: Bool)] {
      guard case .array(let peers) = try node.client().call("peers")["result"]["peers"] else { return [] }
      return peers.map { ($0["node_id"].string ?? "?", $0["proven"] == .bool(true)) }
    }

    @Test("nodes prove their IDs to each other, by IPv4 and IPv6, and are proven again after a restart")
    func proven() throws {
      try withNetwork(5) { network in
        func waitUntilProven() throws {
          try eventually("all contacts to be proven") {
            try network.nodes.allSatisfy { node in
              let contacts = try contacts(node)
              return contacts.count == 4 && contacts.allSatisfy(\.isProven)
            }
          }
        }
        try waitUntilProven()
        for node in network.nodes { #expect(try node.counter("proofs_refused") == 0) }
        for node in network.nodes { node.kill() }
        try network.startAllAgain()
        try waitUntilProven()
      }
    }

    @Test("with identity: require a network works, and excludes a node whose ID does not match its key")
    func require() throws {
      try withNetwork(4, options: ["--set", "identity=require"]) { network in
        let stranger = try network.launch(
          bootstrap: [network.nodes[0].address], "--set", "identity=off", "--set", "network.id=bep42",
          "--set",
          "network.address=192.0.2.1"
        ).waitUntilReady()
        #expect(try network.dhtctl(network.nodes[1], "put", "key", "value").output.contains("at 4 nodes"))
        #expect(try network.dhtctl(network.nodes[3], "get", "key").output == "value")
        let id = try #require(try stranger.nodeID())
        for node in network.nodes.prefix(4) {
          #expect(try !contacts(node).contains { $0.id == id })
        }
        // It asks like anybody.
        #expect(try network.dhtctl(stranger, "get", "key").output == "value")
      }
    }
  }
}
