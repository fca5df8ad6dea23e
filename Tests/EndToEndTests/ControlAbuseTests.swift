import Foundation
import SeededRandom
import Testing

extension EndToEnd {
  @Suite("A control socket under abuse, while another client keeps working") struct ControlAbuseTests {
    /// Runs two nodes, lets the abuser act on the first, and checks that another client is served
    /// before, between and after.
    private func abuse(_ act: (DaemonProcess, _ check: () throws -> Void) throws -> Void) throws {
      try withNetwork(2) { network in
        let node = network.nodes[0]
        let bystander = try node.connect()
        var round = 0
        let check = { () throws in
          round += 1
          #expect(try bystander.put("bystander", "\(round)")["result"]["stored"] == 2)
          #expect(try bystander.get("bystander") == "\(round)")
        }
        try check()
        try act(node, check)
        try check()
        // A new client is served once the daemon notices that others have left, and the daemon is the one
        // that was started.
        try eventually("a new client to be served") {
          (try? node.connect().get("bystander")) == "\(round)"
        }
        #expect(kill(node.process.id, 0) == 0)
      }
    }

    /// Lines, and the code of the error that each is answered with.
    private static let wrongLines: [(String, Int64)] = [
      ("garbage", -32700), ("{", -32700), ("\u{1}\u{2}", -32700), ("\"\\ud800\"", -32600),
      (#"{"jsonrpc":"2.0","id":1,"method":"status"} x"#, -32700),
      ("[]", -32600), ("1", -32600), ("null", -32600), ("\"status\"", -32600), ("{}", -32600),
      (#"[{"jsonrpc":"2.0","id":1,"method":"status"}]"#, -32600),
      (#"{"jsonrpc":"1.0","id":1,"method":"status"}"#, -32600),
      (#"{"id":1,"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":{},"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":true,"method":"status"}"#, -32600),
      (#"{"jsonrpc":"2.0","id":1}"#, -32600), (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
      (#"{"jsonrpc":"2.0","id":1,"method":"explode"}"#, -32601),
      (#"{"jsonrpc":"2.0","id":1,"method":"STATUS"}"#, -32601),
      (#"{"jsonrpc":"2.0","id":1,"method":"status","params":[]}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"status","params":{"x":1}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get"}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":""}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":5}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":null}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"a","key_base64":"YQ=="}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key_base64":"?"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"a","max_age":-1}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"\ud800"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","value_base64":""}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","ttl":0}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","ttl":"1"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","ttl":1e99}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","if_seq":-1}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"a","value":"","if_seq":1.5}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"keys","params":{"limit":0}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"keys","params":{"limit":99999999999}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"keys","params":{"cursor":"?"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"lookup","params":{"target":"00"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"lookup"}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"address":"x"}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"bootstrap","params":{"addresses":[]}}"#, -32602),
      (#"{"jsonrpc":"2.0","id":1,"method":"bootstrap","params":{"addresses":[1]}}"#, -32602),
    ]

    @Test("every invalid line is answered with its error, and the connection stays open")
    func wrongLines() throws {
      try abuse { node, check in
        let client = try node.connect()
        for (line, code) in Self.wrongLines {
          try client.send(line + "\n")
          let answer = try client.readAnswer()
          #expect(answer["error"]["code"] == .integer(code), "\(line) is answered with \(answer)")
          #expect(answer["error"]["data"]["reason"].string?.isEmpty == false)
          #expect(answer["error"]["message"].string?.isEmpty == false)
        }
        try check()
        #expect(try client.status()["state"] == "ready")
      }
    }

    @Test("bytes that are not UTF-8 are a parse error, and nothing is stored")
    func invalidUTF8() throws {
      try abuse { node, _ in
        let client = try node.connect()
        let start = #"{"jsonrpc":"2.0","id":1,"method":"put","params":{"key":"bad","value":""#
        try client.send(Array(start.utf8) + [0xFF, 0xC3, 0x28] + Array("\"}}\n".utf8))
        #expect(try client.readAnswer()["error"]["code"] == -32700)
        try client.send([0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00, 0x0A])
        #expect(try client.readAnswer()["error"]["code"] == -32700)
        #expect(try client.call("get", ["key": "bad"])["error"]["code"] == 1)
      }
    }

    @Test("random bytes cause at most one answer a line")
    func garbage() throws {
      try abuse { node, check in
        var random = SplitMix64(seed: 42)
        for _ in 0..<20 {
          let client = try node.connect()
          let bytes = (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &random) } + [0x0A]
          try client.send(bytes)
          #expect(try client.readAnswer()["error"]["code"] == -32700)
        }
        try check()
      }
    }

    @Test("endless nesting is an error and not a stack overflow", arguments: ["[", #"{"a":"#])
    func deepNesting(level: String) throws {
      try abuse { node, _ in
        let client = try node.connect()
        let deep = String(repeating: level, count: 200_000 / level.utf8.count)
        for line in [deep, #"{"jsonrpc":"2.0","id":1,"method":"get","params":{"key":"# + deep] {
          try client.send(line + "\n")
          #expect(try client.readAnswer()["error"]["code"] == -32700)
        }
      }
    }

    @Test("a line of a megabyte gets an error line, and then the connection is closed")
    func longLine() throws {
      try abuse { node, check in
        let client = try node.connect()
        try client.send([UInt8](repeating: 0x61, count: 1 << 20))
        let answer = try client.readAnswer()
        #expect(answer["id"] == .null)
        #expect(answer["error"]["code"] == -32600)
        #expect(answer["error"]["data"]["reason"] == "line_too_long")
        #expect(try client.readLine() == nil)
        try check()
      }
    }

    @Test("half a line and the end of the connection affect no other client")
    func halfALine() throws {
      try abuse { node, check in
        for _ in 0..<100 {
          let client = try node.connect()
          client.sendSome(Array(#"{"jsonrpc":"2.0","id":1,"met"#.utf8))
        }
        try check()
      }
    }

    @Test("a client that stalls in the middle of a line gets an error and is disconnected")
    func silence() throws {
      try abuse { node, check in
        let client = try node.connect()
        try client.send(#"{"jsonrpc":"2.0","id":1,"met"#)
        try check()
        let answer = try client.readAnswer(within: 60)
        #expect(answer["error"]["data"]["reason"] == "stalled")
        #expect(try client.readLine() == nil)
      }
    }

    @Test("a client that sends 10,000 requests and reads no answer takes little memory")
    func stalledReader() throws {
      try abuse { node, check in
        try node.client().put("large", String(repeating: "x", count: 990))
        let before = try node.residentBytes()
        let stalled = try (0..<4).map { _ in try node.connect() }
        let line = ControlSocketClient.line("get", ["key": "large"], id: 1)
        let requests = Array(repeatElement(line, count: 10_000).joined())
        for client in stalled { client.sendSome(requests) }
        for _ in 0..<20 { try check() }
        #expect(try node.residentBytes() - before < 64 << 20)
      }
    }

    @Test("10,000 requests at once, read late, are all answered")
    func lateReader() throws {
      try abuse { node, check in
        let client = try node.connect()
        try client.put("k", "v")
        let answers = try client.callAll(Array(repeating: ("get", ["key": "k"]), count: 10_000))
        #expect(answers.allSatisfy { $0["result"]["value"] == "v" })
        try check()
      }
    }

    @Test("puts beyond the queue limit are refused as busy, and each is answered")
    func moreThanWaitInLine() throws {
      try withNetwork(3) { network in
        let node = network.nodes[0]
        // A halted holder keeps each operation under way for a while.
        network.nodes[2].process.halt()
        let clients = try (0..<8).map { _ in try node.connect() }
        // No two put the same key: of writes at one moment one may win over the others.
        for (number, client) in clients.enumerated() {
          let lines = (0..<400).flatMap { index in
            ControlSocketClient.line(
              "put", ["key": "key\(number)/\(index)", "value": "v"], id: .integer(index))
          }
          try client.send(lines)
        }
        #expect(try node.status()["state"] == "ready")
        for client in clients {
          let answers = try (0..<400).map { _ in try client.readAnswer() }
          #expect(Set(answers.compactMap { $0["id"].integer }).count == 400)
          for answer in answers where answer["result"] == .null {
            #expect(answer["error"]["data"]["reason"] == "busy")
          }
        }
        network.nodes[2].process.resume()
        try eventually("the holder that was halted to be counted again") {
          try node.client().put("after", "all")["result"]["stored"] == 3
        }
      }
    }

    @Test("of 300 idle connections, those beyond the limit get an error, and the others stay")
    func tooManyConnections() throws {
      try abuse { node, check in
        let clients = try (0..<300).map { _ in try node.connect() }
        var refused = 0
        for client in clients.suffix(100) {
          let answer = try client.readAnswer()
          #expect(answer["error"]["code"] == 6)
          #expect(answer["error"]["message"].string?.contains("64") == true)
          #expect(try client.readLine() == nil)
          refused += 1
        }
        #expect(refused == 100)
        try check()
        #expect(try clients[0].status()["state"] == "ready")
      }
    }

    @Test("a client that has closed its sending side still gets its answers")
    func halfClosed() throws {
      try abuse { node, check in
        let client = try node.connect()
        let lines = (1...20).map { id in
          ControlSocketClient.line("get", ["key": "bystander"], id: .integer(Int64(id)))
        }
        // The last line has no line feed: its end is the end of the input.
        try client.send(Array(lines.joined().dropLast()))
        client.endInput()
        var answered: Set<Int64> = []
        while let line = try client.readLine(within: 10) {
          let answer = try JSON(parsing: line)
          if case .integer(let id) = answer["id"] { answered.insert(id) }
        }
        #expect(answered == Set(1...20))
        try check()
      }
    }

    @Test("neither an endless line nor a line that is always incomplete takes much memory")
    func endlessInput() throws {
      try abuse { node, check in
        let before = try node.peakMemory()
        let half = Array(repeatElement(Array("      \n".utf8), count: 8_192).joined().dropLast())
        for chunk in [[UInt8](repeating: 0x78, count: 65_536), half] {
          let client = try node.connect()
          // 64 MB, or as much of it as the daemon takes before it closes the connection.
          for _ in 0..<1_000 { guard (try? client.send(chunk)) != nil else { break } }
          try check()
        }
        let growth = try node.peakMemory() - before
        #expect(growth < 16 << 20, "it grew by \(growth) bytes")
      }
    }
  }
}
