import Foundation
import Testing

extension EndToEnd {
  /// Loopback has no limits unless it is to be counted; its 16 million addresses are as many sources.
  @Suite("A node that is flooded") struct FloodTests {
    private static let counted = ["--set", "limits.loopback=counted"]

    private func ping(_ number: Int) -> [UInt8] {
      Array("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t4:\(1000 + number)1:y1:qe".utf8)
    }

    private func get(_ target: Int) -> [UInt8] {
      let key = 10_000_000_000_000_000_000 + UInt64(target)
      let transaction = 1000 + target % 9000
      return Array(
        "d1:ad2:id20:abcdefghij01234567896:target20:\(key)e1:q3:get1:t4:\(transaction)1:y1:qe".utf8)
    }

    private func isAnswer(_ datagram: [UInt8]) -> Bool { datagram.suffix(7) == Array("1:y1:re".utf8)[...] }

    private func isBusy(_ datagram: [UInt8]) -> Bool { datagram.starts(with: Array("d1:eli400e".utf8)) }

    @Test("a source over the rate limit gets a few errors and then no answers, and another source is served")
    func oneSource() throws {
      try withNetwork(1, options: Self.counted + ["--set", "limits.requests_per_source=20"]) { network in
        let node = network.nodes[0]
        let flooder = try UDPClient(host: 0x05_00_01)
        for number in 0..<600 { flooder.send(ping(number), to: node.port) }
        try eventually("the flood to have been taken") {
          let status = try node.status()
          return ["requests_refused", "requests_over_source_limit", "queries_answered"]
            .reduce(0) { $0 + (status[$1].integer ?? 0) } >= 600
        }
        let came = flooder.datagramsAtHand()
        let answers = came.count(where: isAnswer)
        #expect((20..<300).contains(answers))
        let refusals = came.filter(isBusy)
        #expect((1..<100).contains(refusals.count))
        #expect(refusals.allSatisfy { $0.count <= ping(0).count })
        try node.waitForLogLine { $0.contains("rate limit exceeded") && $0.contains("127.5.0.1") }
        let other = try UDPClient(host: 0x06_00_01)
        other.send(ping(7), to: node.port)
        #expect(isAnswer(try other.receiveAnswer()))
        let page = try network.dhtctl(node, "status")
        #expect(page.output.contains("Limits:"))
      }
    }

    @Test("an unproven address gets few bytes, and one that answers a ping gets full answers")
    func unproven() throws {
      try withNetwork(1, options: Self.counted + ["--set", "limits.unproven_bytes=1KiB"]) { network in
        let node = network.nodes[0]
        let client = try UDPClient(host: 0x07_00_01)
        let others = try (2...9).map { try UDPClient(host: 0x07_00_00 + UInt32($0)) }
        for number in 0..<100 { for other in others { other.send(get(number), to: node.port) } }
        try eventually("all to have been taken") {
          try node.status()["queries_answered"].integer ?? 0 >= 800
        }
        let bytes = others.flatMap { $0.datagramsAtHand() }.filter(isAnswer).reduce(0) { $0 + $1.count }
        let withheld = try #require(try node.status()["answers_withheld"].integer)
        #expect(withheld > 100 && bytes > 0)
        #expect(bytes < 64 << 10, "\(bytes) bytes")

        // The node pings the sender. A sender that answers is at its address.
        var hasAnswered = false
        try eventually("the node to ask for a proof") {
          client.send(get(1), to: node.port)
          for datagram in client.datagramsAtHand() {
            guard let place = datagram.firstRange(of: Array("1:q4:ping1:t4:".utf8)) else { continue }
            let transaction = datagram[place.upperBound..<place.upperBound + 4]
            client.send(
              Array("d1:rd2:id20:abcdefghij0123456789e1:t4:".utf8) + transaction + Array("1:y1:re".utf8),
              to: node.port)
            hasAnswered = true
          }
          return hasAnswered
        }
        // Answers to earlier requests may still be on their way.
        try eventually("the proof to count") { try node.status()["responses_received"].integer ?? 0 > 0 }
        client.drain()
        // Its neighbours have used up what they were given together.
        for round in 0..<20 {
          // No more at once than the socket has room for.
          for number in 0..<10 { client.send(get(round * 10 + number), to: node.port) }
          for _ in 0..<10 { _ = try client.receiveAnswer() }
        }
      }
    }

    @Test(
      "with every limit hit, by sources, records, junk and clients, a node has no more memory than is stated")
    func memory() throws {
      let storage = 16 << 20
      // README.md, Limits: this and the records.
      let stated = 96 << 20
      let options =
        Self.counted + [
          "--durability", "memory", "--set", "storage.max_bytes=\(storage)", "--set", "limits.sources=1024",
          "--set", "limits.requests_per_source=1000",
        ]
      try withNetwork(1, options: options, lifetime: 240) { network in
        let node = network.nodes[0]
        let value = String(repeating: "v", count: 900)
        let sources = try (0..<200).map { try UDPClient(host: 0x10_00_01 + UInt32($0) << 8) }
        try node.client().put("large", value)
        // Some connect and read no answer, some send a line that does not end, and some are too many.
        let deaf = try (0..<40).map { _ in try node.connect() }
        let requests = (0..<300).flatMap {
          ControlSocketClient.line("get", ["key": "large"], id: .integer(Int64($0)))
        }
        for client in deaf { client.sendSome(requests) }
        let crowd = (0..<100).map { _ in try? node.connect() }
        for client in crowd.prefix(20) { client?.sendSome([UInt8](repeating: 0x78, count: 255 << 10)) }
        var records = 0
        for round in 0..<100 {
          for (number, source) in sources.enumerated() {
            // The node must keep up, because datagrams that overflow its socket do not reach its limits.
            if number % 40 == 0 { _ = try node.status() }
            source.send(get(number), to: node.port)
            source.send([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1400), to: node.port)
            for datagram in source.datagramsAtHand() {
              guard let place = datagram.firstRange(of: Array("5:token8:".utf8)) else { continue }
              let token = datagram[place.upperBound..<place.upperBound + 8]
              let key = "\(round)-\(number)"
              let now = Int64(Date().timeIntervalSince1970)
              source.send(
                Array(
                  "d1:ad3:expi\(now + 3600)e2:id20:abcdefghij01234567893:key\(key.utf8.count):\(key)".utf8)
                  + Array("3:seqi\(now * 1_000_000)e5:token8:".utf8) + token
                  + Array("1:v900:\(value)e1:q3:put1:t4:puts1:y1:qe".utf8),
                to: node.port)
              records += 1
            }
          }
        }
        for number in 0..<20_000 {
          if number % 200 == 0 { _ = try node.status() }
          sources[number % 4].send(ping(number % 9000), to: node.port)
        }
        for client in deaf.prefix(10) {
          let names = (Int64(0)..<200).flatMap {
            ControlSocketClient.line(
              "ping", ["address": .string("no-such-host-\($0).invalid:1")], id: .integer($0))
          }
          client.sendSome(names)
        }
        let status = try node.status()
        #expect(records > 10_000)
        #expect(status["stored_keys"].integer ?? 0 > 5_000)
        #expect(status["requests_over_source_limit"].integer ?? 0 > 0)
        let peak = try node.peakMemory()
        #expect(peak < stated + storage, "\(peak) bytes")
        #expect(crowd.count == 100 && kill(node.process.id, 0) == 0)
      }
    }
  }
}
