import Foundation
import Testing

extension EndToEnd {
  @Suite("Addresses of both families", .enabled(if: Ports.machineHasIPv6, "this machine has no IPv6"))
  struct AddressTests {
    @Test("two nodes bound to IPv6 alone find each other and store")
    func onlyIPv6() throws {
      try withNetwork { network in
        let a = try network.launch(bootstrap: [], "--bind", "::1").waitUntilReady()
        let b = try network.launch(bootstrap: ["[::1]:\(a.port)"], "--bind", "::1").waitUntilReady()
        #expect(try a.status()["addresses"] == ["[::1]:\(a.port)"])
        #expect(try b.client().put("six", "6")["result"]["stored"] == 2)
        #expect(try a.client().get("six") == "6")
        #expect(try b.client().call("peers")["result"]["peers"][0]["address"] == "[::1]:\(a.port)")
      }
    }

    @Test("a node of both families stores with one of IPv6 alone, whichever came first")
    func mixed() throws {
      try withNetwork { network in
        let both = try network.start()
        #expect(try both.status()["addresses"].array.count == 2)
        let six = try network.launch(bootstrap: ["[::1]:\(both.port)"], "--bind", "::1").waitUntilReady()
        let late = try network.launch(bootstrap: ["[::1]:\(six.port)"]).waitUntilReady()
        for (index, node) in [both, six, late].enumerated() {
          #expect(try node.client().put("key\(index)", "\(index)")["result"]["stored"] == 3)
        }
        for node in [both, six, late] {
          for index in 0..<3 { #expect(try node.client().get("key\(index)") == "\(index)") }
        }
      }
    }

    @Test("a node can be found by its host name")
    func byName() throws {
      try withNetwork { network in
        let a = try network.start()
        let b = try network.launch(bootstrap: [], "--bootstrap", "localhost:\(a.port)").waitUntilReady()
        #expect(try b.knownNodes() == 1)
      }
    }

    // The system does not let programs send to the broadcast address of loopback by default.
    @Test("an unreachable address does not affect other addresses")
    func unsendable() throws {
      let address = "127.255.255.255:8001"
      try withNetwork(2) { network in
        let client = try network.nodes[1].client()
        #expect(try client.put("before", "1")["result"]["stored"] == 2)
        #expect(try client.call("ping", ["address": .string(address)])["error"]["code"] == 5)
        let put = try client.put("after", "2")
        #expect(put["result"]["stored"] == 2)
      }
    }

    @Test("a node that reports unreachable addresses does not isolate its contacts")
    func poisonedNodes() throws {
      try withNetwork(1) { network in
        let liar = try UDPClient()
        // The liar is all that it knows at first, so that it is asked for nodes for certain.
        let node = try network.launch(bootstrap: ["127.0.0.1:\(liar.boundPort)"])
        let honest = network.nodes[0]
        let honestID = try #require(try honest.nodeID())
        let liarID = Array("abcdefghij0123456789".utf8)
        var isTold = false
        while !isTold {
          let query = try liar.receive()
          let asksForNodes = query.firstRange(of: Array("9:find_node".utf8)) != nil
          // The lookup of its own ID comes beside queries that find out about the liar.
          isTold =
            asksForNodes
            && Self.text(after: "2:id20:", in: query) == Self.text(after: "6:target20:", in: query)
          // Everything before the last "1:t" is of the query alone; behind it stands the transaction.
          let start = try #require(query.ranges(of: Array("1:t".utf8)).last?.upperBound)
          let rest = Array(query[start...])
          let length = try #require(rest.first.map { Int($0) - 0x30 })
          let transaction = Array(rest.prefix(length + 2))
          let forbidden = [UInt8](repeating: 0x5A, count: 20) + [127, 255, 255, 255, 0x1F, 0x41]
          let named =
            forbidden + Self.bytes(ofHex: honestID)
            + [127, 0, 0, 1, UInt8(honest.port >> 8), UInt8(honest.port & 0xFF)]
          let nodes = asksForNodes ? Array("5:nodes52:".utf8) + named : []
          liar.send(
            Array("d1:rd2:id20:".utf8) + liarID + nodes + Array("e1:t".utf8) + transaction
              + Array("1:y1:re".utf8),
            to: node.port)
        }
        try node.waitUntilReady()
        let put = try node.client().put("k", "v")
        #expect(put["result"]["stored"] == 2)
      }
    }

    /// The 20 bytes after a key of a message.
    private static func text(after key: String, in message: [UInt8]) -> ArraySlice<UInt8>? {
      message.firstRange(of: Array(key.utf8)).map { message[$0.upperBound...].prefix(20) }
    }

    private static func bytes(ofHex digits: String) -> [UInt8] {
      var rest = Substring(digits)
      var bytes: [UInt8] = []
      while let byte = UInt8(rest.prefix(2), radix: 16) {
        bytes.append(byte)
        rest = rest.dropFirst(2)
      }
      return bytes
    }

    @Test("a node whose bootstrap addresses include its own is not its own contact")
    func ownAddress() throws {
      try withNetwork { network in
        let port = try Ports.next()
        let node = try network.launch(port: port, bootstrap: ["127.0.0.1:\(port)", "[::1]:\(port)"])
        try node.waitUntilReady()
        #expect(try node.knownNodes() == 0)
        #expect(try node.client().put("alone", "yes")["result"]["replicas"] == 1)
      }
    }
  }

  @Suite("A node with several addresses", .enabled(if: Namespaces.areAvailable, "\(Namespaces.areNeeded)"))
  struct ManyAddressTests {
    /// Two machines and a cable between them. The node's one has two addresses of each family.
    private func machines(_ network: LocalNetwork) throws -> (node: Namespaces, client: Namespaces) {
      let node = try Namespaces(for: network)
      let client = try Namespaces(for: network)
      // Without duplicate address detection the addresses can be used at once.
      try node.run(
        """
        ip link add cable type veth peer name cable netns \(client.process)
        ip link set cable addrgenmode none
        ip address add 10.91.8.1/24 dev cable
        ip address add 10.91.8.2/24 dev cable
        ip address add fd91:8::1/64 dev cable nodad
        ip address add fd91:8::2/64 dev cable nodad
        ip address add fe80::1/64 dev cable nodad
        ip link set cable up
        """)
      try client.run(
        """
        ip link set cable addrgenmode none
        ip address add 10.91.8.9/24 dev cable
        ip address add fd91:8::9/64 dev cable nodad
        ip address add fe80::9/64 dev cable nodad
        ip link set cable up
        """)
      return (node, client)
    }

    @Test("whatever address is asked, the answer comes from it, and a link-local asker gets one, too")
    func everyAddress() throws {
      try withNetwork { network in
        let (machine, client) = try machines(network)
        let node = try network.launch(in: machine, "--bind", "0.0.0.0", "--bind", "::").waitUntilReady()
        let query = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"
        let hosts = ["10.91.8.1", "10.91.8.2", "fd91:8::1", "fd91:8::2", "fe80::1%cable"]
        for host in hosts {
          // Bash connects the socket, so that it gets datagrams from the address that it asked alone.
          try client.run(
            """
            bash -ec 'exec 3<>"/dev/udp/\(host)/\(node.port)"; printf "%s" "\(query)" >&3
            timeout 10 head -c 12 <&3 | grep -q "^d1:rd2:id20:"'
            """)
        }
        // An address that needs an interface is never that of a contact.
        #expect(try node.knownNodes() == 0)
      }
    }

    @Test("a node says when its address leaves the machine, and when it is back")
    func lostAddress() throws {
      try withNetwork { network in
        let (machine, _) = try machines(network)
        let node = try network.launch(
          in: machine, "--bind", "10.91.8.2", "--bind", "fd91:8::2"
        ).waitUntilReady()
        func awaitLines(_ beginning: String, _ end: String) throws {
          let lines = ["10.91.8.2", "[fd91:8::2]"].map { "\(beginning) \($0):\(node.port)\(end)" }
          try eventually("the lines '\(lines)'", within: 30) {
            // The node looks when its loop runs.
            _ = try node.status()
            try? node.process.pump(until: Deadline(within: 0.02)) { false }
            return lines.allSatisfy { line in node.process.errorLines.contains { $0.contains(line) } }
          }
        }
        try machine.run("ip address del 10.91.8.2/24 dev cable; ip address del fd91:8::2/64 dev cable")
        try awaitLines("no longer has the address of", ", which this node is bound to")
        try machine.run("ip address add 10.91.8.2/24 dev cable; ip address add fd91:8::2/64 dev cable nodad")
        try awaitLines("has the address of", " again")
      }
    }
  }
}
