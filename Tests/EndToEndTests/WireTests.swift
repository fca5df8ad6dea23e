import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("Answers to datagrams") struct WireTests {
    private static let asker = "abcdefghij0123456789"
    private static let target = "mnopqrstuvwxyz123456"

    /// The node's ID as it stands on the wire.
    private func wireID(_ node: DaemonProcess) throws -> [UInt8] {
      let digits = Array(try node.nodeID() ?? "")
      return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
      }
    }

    @Test("a ping is answered exactly as in BEP 5")
    func ping() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let client = try UDPClient()
        // The example of BEP 5.
        client.send(Array("d1:ad2:id20:\(Self.asker)e1:q4:ping1:t2:aa1:y1:qe".utf8), to: node.port)
        let answer = try client.receiveAnswer()
        let id = try wireID(node)
        #expect(id.count == 20)
        let text = String(String.UnicodeScalarView(answer.map { Unicode.Scalar($0) }))
        #expect(answer.starts(with: Array("d1:rd2:id20:".utf8) + id + Array("e1:t2:aa".utf8)), "\(text)")
        // Only the name of the client may stand between.
        #expect(text.hasSuffix("1:y1:re"))
        let version = Array(text.dropFirst(12 + 20 + 8).dropLast(7))
        #expect(version.isEmpty || String(version).hasPrefix("1:v4:") && version.count == 9, "\(text)")
      }
    }

    @Test("the transaction is echoed, whatever bytes it has", arguments: [1, 2, 4, 8, 20, 32])
    func transactions(length: Int) throws {
      try withNetwork(1) { network in
        let client = try UDPClient()
        let transaction = (0..<length).map { UInt8(truncatingIfNeeded: 0xFF - $0) }
        client.send(
          Array("d1:ad2:id20:\(Self.asker)e1:q4:ping1:t\(length):".utf8) + transaction
            + Array("1:y1:qe".utf8),
          to: network.nodes[0].port)
        let answer = try client.receiveAnswer()
        #expect(answer.firstRange(of: Array("1:t\(length):".utf8) + transaction) != nil)
      }
    }

    @Test(
      "an invalid query is answered with error 203",
      arguments: [
        "d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe", "d1:ade1:q4:ping1:t2:aa1:y1:qe",
        "d1:q4:ping1:t2:aa1:y1:qe", "d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe",
        "d1:ad2:id20:abcdefghij01234567896:target3:abce1:q9:find_node1:t2:aa1:y1:qe",
        "d1:ad2:id20:abcdefghij01234567892:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
        "d1:ad2:idi5ee1:q4:ping1:t2:aa1:y1:qe", "d1:ad2:id20:abcdefghij0123456789e1:t2:aa1:y1:qe",
        "d1:ad2:id20:abcdefghij01234567891:v1:x5:token3:abce1:q3:put1:t2:aa1:y1:qe",
      ])
    func malformed(query: String) throws {
      try withNetwork(1) { network in
        let answer = try UDPClient().ask(network.nodes[0].port, query)
        #expect(answer.hasPrefix("d1:eli203e"), "\(answer)")
        #expect(answer.contains("1:t2:aa"))
        #expect(answer.hasSuffix("1:y1:ee"))
      }
    }

    @Test("an unknown method is answered with error 204")
    func unknownMethod() throws {
      try withNetwork(1) { (network) throws in
        let query = "d1:ad2:id20:\(Self.asker)e1:q4:vote1:t2:aa1:y1:qe"
        #expect(try UDPClient().ask(network.nodes[0].port, query).hasPrefix("d1:eli204e"))
      }
    }

    @Test(
      "an unknown method with a target is answered with nodes",
      arguments: ["target", "info_hash"])
    func unknownMethodWithTarget(name: String) throws {
      try withNetwork(3) { network in
        let query =
          "d1:ad2:id20:\(Self.asker)\(name.utf8.count):\(name)20:\(Self.target)e1:q4:vote1:t2:aa1:y1:qe"
        let answer = try UDPClient().ask(network.nodes[0].port, query)
        #expect(answer.contains("5:nodes52:"), "\(answer)")
        #expect(answer.hasSuffix("1:y1:re"))
      }
    }

    @Test("get gives a token and the nodes, and put needs that token")
    func putAndGet() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let client = try UDPClient()
        // SHA-1 of "abc", as bytes.
        let target: [UInt8] = [
          0xA9, 0x99, 0x3E, 0x36, 0x47, 0x06, 0x81, 0x6A, 0xBA, 0x3E, 0x25, 0x71, 0x78, 0x50, 0xC2, 0x6C,
          0x9C, 0xD0, 0xD8, 0x9D,
        ]
        let query =
          Array("d1:ad2:id20:\(Self.asker)6:target20:".utf8) + target
          + Array("e1:q3:get1:t2:bb1:y1:qe".utf8)
        client.send(query, to: node.port)
        let answer = try client.receiveAnswer()
        let start = try #require(answer.firstRange(of: Array("5:token".utf8))?.upperBound)
        let digits = answer[start...].prefix { $0 != UInt8(ascii: ":") }
        let length = try #require(Int(String(decoding: digits, as: Unicode.ASCII.self)))
        let token = Array(answer[(start + digits.count + 1)...].prefix(length))
        let now = Int64(Date().timeIntervalSince1970)
        func put(_ token: [UInt8]) throws -> String {
          client.send(
            Array(
              "d1:ad3:expi\(now + 60)e2:id20:\(Self.asker)3:key3:abc3:seqi\(now * 1_000_000)e5:token".utf8)
              + Array("\(token.count):".utf8) + token + Array("1:v5:valuee1:q3:put1:t2:cc1:y1:qe".utf8),
            to: node.port)
          return String(decoding: try client.receiveAnswer(), as: Unicode.ASCII.self)
        }
        #expect(try put([UInt8](repeating: 0, count: 8)).hasPrefix("d1:eli203e"))
        #expect(try node.client().get("abc") == nil)
        #expect(try put(token).hasSuffix("1:y1:re"))
        #expect(try node.client().get("abc") == "value")
      }
    }

    @Test("10,000 datagrams of random bytes and mutated queries do no harm")
    func randomDatagrams() throws {
      try withNetwork(3) { network in
        let node = network.nodes[0]
        let client = try UDPClient()
        var random = SplitMix64(seed: 7)
        let queries = [
          "d1:ad2:id20:\(Self.asker)e1:q4:ping1:t2:aa1:y1:qe",
          "d1:ad2:id20:\(Self.asker)6:target20:\(Self.target)e1:q9:find_node1:t2:aa1:y1:qe",
          "d1:ad2:id20:\(Self.asker)6:target20:\(Self.target)e1:q3:get1:t2:aa1:y1:qe",
          "d1:ad3:expi1e2:id20:\(Self.asker)3:key1:a3:seqi1e5:token4:abcd1:v1:xe1:q3:put1:t2:aa1:y1:qe",
          "d1:rd2:id20:\(Self.asker)e1:t2:aa1:y1:re", "d1:eli201e1:xe1:t2:aa1:y1:ee",
        ].map { Array($0.utf8) }
        for round in 0..<10_000 {
          var bytes: [UInt8]
          if round.isMultiple(of: 2) {
            let count = Int.random(in: 0...1_500, using: &random)
            bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
          } else {
            bytes = queries[Int.random(in: queries.indices, using: &random)]
            for _ in 0...Int.random(in: 0...4, using: &random) {
              let index = Int.random(in: bytes.indices, using: &random)
              switch Int.random(in: 0...2, using: &random) {
              case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
              case 1 where bytes.count > 1: bytes.remove(at: index)
              default: bytes.insert(UInt8.random(in: 0x30...0x39, using: &random), at: index)
              }
            }
          }
          client.send(bytes, to: node.port)
          if round.isMultiple(of: 500) {
            // A pause, so that the datagrams are read and not dropped by a full buffer.
            #expect(try node.status()["state"] == "ready")
            client.drain()
          }
        }
        #expect(try node.client().put("after", "the storm")["result"]["stored"] == 3)
        #expect(try network.nodes[2].client().get("after") == "the storm")
        #expect(try node.status()["datagrams_malformed"].integer ?? 0 > 1_000)
        // The sender of forged datagrams is not a contact, because it never answered.
        #expect(try node.knownNodes() == 2)
        client.drain()
        let last = try UDPClient()
        last.send(queries[0], to: node.port)
        #expect(try last.receiveAnswer().starts(with: Array("d1:rd2:id20:".utf8)))
      }
    }

    @Test("unsolicited answers and garbage are not answered")
    func silence() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let client = try UDPClient()
        for datagram in ["", "x", "d", "de", "i1e", "le", "d1:rd2:id20:\(Self.asker)e1:t2:aa1:y1:re"] {
          client.send(Array(datagram.utf8), to: node.port)
        }
        // The answer to what comes last is the only one there is.
        let answer = try client.ask(node.port, "d1:ad2:id20:\(Self.asker)e1:q4:ping1:t4:last1:y1:qe")
        #expect(answer.contains("1:t4:last"))
      }
    }
  }
}
