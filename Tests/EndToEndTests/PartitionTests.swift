import Foundation
import Testing

extension EndToEnd {
  @Suite("A network in two parts", .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
  struct PartitionTests {
    /// Two networks of the kernel, each with a bridge and four addresses, and a cable between the bridges.
    private struct Sides {
      let left: Namespaces
      let right: Namespaces

      init(for network: LocalNetwork) throws {
        left = try Namespaces(for: network, Self.bridge(hosts: 1...4))
        right = try Namespaces(for: network, Self.bridge(hosts: 5...8))
        try left.run(
          """
          ip link add cable type veth peer name cable netns \(right.process)
          ip link set cable master bridge up
          """)
        try right.run("ip link set cable master bridge up")
      }

      private static func bridge(hosts: ClosedRange<Int>) -> String {
        "ip link add bridge type bridge\nip link set bridge up\n"
          + hosts.map { "ip address add \(host($0))/24 dev bridge" }.joined(separator: "\n")
      }

      static func host(_ number: Int) -> String { "10.91.7.\(number)" }

      func cut() throws { try left.run("ip link set cable down") }

      func mend() throws { try left.run("ip link set cable up") }
    }

    @Test("two halves of a partition agree on the newest version of every key within 90 s")
    func merge() throws {
      let options = [
        "--set", "liveness_interval=1s", "--set", "liveness_interval_in_doubt=1s", "--set", "rpc_timeout=1s",
      ]
      try withNetwork(options: options, lifetime: 240) { network in
        let sides = try Sides(for: network)
        for number in 1...8 {
          let bootstrap = network.nodes.prefix(1).map(\.address)
          let side = number <= 4 ? sides.left : sides.right
          try network.launch(host: Sides.host(number), bootstrap: bootstrap, in: side).waitUntilReady()
        }
        let (left, right) = (network.nodes[0..<4], network.nodes[4..<8])
        for node in network.nodes {
          try eventually("the nodes to know each other") { try node.knownNodes() == 7 }
        }
        var promises = Promises()
        #expect(try promises.put(pairs(60, "old"), at: network.nodes[2]) == [])

        try sides.cut()
        for node in network.nodes {
          try eventually("node \(node.port) to know its own side alone", within: 60) {
            try node.knownNodes() == 3
          }
        }
        // The second writer of a key is the later one.
        func value(_ key: String, _ writer: String) -> (key: String, value: String) {
          (key, "\(key) of \(writer)")
        }
        let both = (1...30).map { "both\($0)" } + (1...10).map { "old\($0)" }
        for answer in try left[1].client().putAll(both.map { value($0, "the left") }) {
          #expect(answer["result"]["stored"] == 4)
        }
        #expect(try promises.put(both.map { value($0, "the right") }, at: right[6]) == [])
        #expect(try promises.put((1...30).map { value("left\($0)", "the left") }, at: left[3]) == [])
        #expect(try promises.put((1...30).map { value("right\($0)", "the right") }, at: right[4]) == [])
        // Deleted here and there; and deleted on one side before or after a put on the other.
        func delete(_ keys: [String], at node: DaemonProcess) throws {
          for answer in try node.client().callAll(keys.map { ("delete", ["key": .string($0)]) }) {
            #expect(answer["result"]["stored"] == 4)
          }
        }
        let gone = (11...50).map { "old\($0)" }
        try delete(Array(gone[0..<10]), at: left[0])
        try delete(Array(gone[10..<20]), at: right[7])
        for answer in try left[2].client().putAll(gone[20...].map { value($0, "the left") }) {
          #expect(answer["result"]["stored"] == 4)
        }
        try delete(Array(gone[20...]), at: right[5])
        let back = (51...60).map { "old\($0)" }
        try delete(back, at: left[2])
        #expect(try promises.put(back.map { value($0, "the right") }, at: right[7]) == [])
        promises.forget(gone)

        try sides.mend()
        try eventually("every node to read the newest of every key", within: 90) {
          try network.nodes.allSatisfy { node in
            try promises.broken(at: node) == []
              && node.client().getAll(gone).allSatisfy { $0["error"]["code"] == 1 }
          }
        }
        try eventually("every node to know all others again", within: 60) {
          try network.nodes.allSatisfy { try $0.knownNodes() == 7 }
        }
      }
    }
  }
}
