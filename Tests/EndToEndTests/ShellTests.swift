import Foundation
import Testing

extension EndToEnd {
  @Suite("The shell of dhtctl on a pipe") struct ShellTests {
    @Test("1,000 puts from a pipe are answered in order, and all values are read back")
    func thousandPuts() throws {
      try withNetwork(3) { network in
        let numbers = 1...1_000
        let puts = try network.shell(
          network.nodes[0], numbers.map { "put key\($0) value\($0)\n" }.joined())
        let gets = try network.shell(network.nodes[2], numbers.map { "get key\($0)\n" }.joined())
        let deletions = try network.shell(network.nodes[1], numbers.map { "delete key\($0)\n" }.joined())
        let gone = try network.shell(network.nodes[0], numbers.map { "get key\($0)\n" }.joined())
        #expect(puts.outputLines == numbers.map { "Stored key 'key\($0)' at 3 nodes" })
        #expect(gets.outputLines == numbers.map { "Value: value\($0)" })
        #expect(deletions.outputLines == numbers.map { "Deleted key 'key\($0)' at 3 nodes" })
        #expect(gone.outputLines == numbers.map { "Key 'key\($0)' not found" })
        for result in [puts, gets, deletions, gone] {
          #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors.prefix(1_000))")
        }
      }
    }

    @Test("no line is skipped when the daemon answers many requests at once")
    func answersAtOnce() throws {
      try withNetwork { network in
        let daemon = try SlowDaemon(network.path("slow.sock"))
        let shell = try network.launchShell(socket: network.path("slow.sock"))
        try shell.feed((1...200).map { "get key\($0)\n" }.joined()) { true }
        shell.endInput()
        var asked = 0
        while asked < 200 {
          // It has this many under way at once.
          let ids = try daemon.requests(min(64, 200 - asked))
          if ids.isEmpty { break }
          daemon.answer(ids)
          asked += ids.count
        }
        #expect(try shell.waitForExit(within: 20) == .exited(0))
        #expect(asked == 200)
      }
    }

    @Test("a value is the unchanged rest of its line")
    func verbatim() throws {
      try withNetwork(1) { (network) throws in
        let node = network.nodes[0]
        let values = [
          #"{"name":"alice", "tags": ["a b"]}"#, "two words", "  blanks  ", "'quoted' \"words\"", "-",
          "@file",
          "--literal", "a\tb", "é漢🙂", "\\n", "$HOME `id`",
          "",
        ]
        let puts = values.enumerated().map { "put user:\($0.offset) \($0.element)\n" }.joined()
        let result = try network.shell(node, puts)
        #expect(result.status == 0)
        #expect(result.outputLines == values.indices.map { "Stored key 'user:\($0)' at 1 node" })
        for (index, value) in values.enumerated() {
          #expect(try node.client().get("user:\(index)") == value)
        }
        let get = try network.shell(node, "get user:0\n")
        #expect(get.output == "Value: {\"name\":\"alice\", \"tags\": [\"a b\"]}\n")
      }
    }

    @Test("commands on one key take effect in the order of their lines")
    func order() throws {
      try withNetwork(3) { network in
        let rounds = 1...50
        let lines = rounds.map { "put same \($0)\nget same\n" }.joined() + "delete same\nget same\n"
        let result = try network.shell(network.nodes[0], lines)
        let expected =
          rounds.flatMap { ["Stored key 'same' at 3 nodes", "Value: \($0)"] }
          + ["Deleted key 'same' at 3 nodes", "Key 'same' not found"]
        #expect(result.outputLines == expected)
      }
    }

    @Test("help lists every command, and status shows the node")
    func helpAndStatus() throws {
      try withNetwork(2) { network in
        let help = try network.shell(network.nodes[0], "help\n")
        for command in ["put KEY VALUE", "get KEY", "delete KEY", "status", "help", "quit"] {
          #expect(help.output.contains(command))
        }
        let status = try network.shell(network.nodes[0], "status\n")
        #expect(status.status == 0)
        #expect(try status.output.contains(network.nodes[0].nodeID() ?? "?"))
        #expect(status.output.contains("Stored keys:"))
        #expect(status.output.contains("Total known nodes: 1\n"))
      }
    }

    @Test(
      "quit ends it, and the following lines are not read",
      arguments: ["quit\nput late 1\n", "exit\nput late 1\n"])
    func quit(lines: String) throws {
      try withNetwork(1) { network in
        let result = try network.shell(network.nodes[0], "put early 1\n" + lines)
        #expect(result.status == 0)
        #expect(result.output == "Stored key 'early' at 1 node\n")
        #expect(try network.nodes[0].client().get("late") == nil)
      }
    }

    @Test("an invalid line is reported with its number, the others are carried out, and the status is 1")
    func wrongLines() throws {
      try withNetwork(1) { network in
        let lines = """
          put a 1
          put
          put b
          get
          get a b
          delete
          fetch a
          status now
          PUT a 2

          get a
          """
        let result = try network.shell(network.nodes[0], lines)
        #expect(result.status == 1)
        #expect(result.output == "Stored key 'a' at 1 node\nValue: 1\n")
        for line in 2...9 { #expect(result.errors.contains("dhtctl: line \(line): ")) }
        #expect(result.errorLines.count == 8 + 2)
      }
    }

    @Test("a value that is too large fails alone, with the limit in the error")
    func tooLarge() throws {
      try withNetwork(1) { network in
        let value = String(repeating: "x", count: 1_000)
        let result = try network.shell(network.nodes[0], "put a \(value)\nput b 2\n")
        #expect(result.status == 1)
        #expect(result.output == "Stored key 'b' at 1 node\n")
        #expect(result.errors.contains("line 1: ") && result.errors.contains("1000"))
      }
    }

    @Test("empty input succeeds", arguments: ["", "\n\n", "   \n", "quit"])
    func nothing(lines: String) throws {
      try withNetwork(1) { network in
        let result = try network.shell(network.nodes[0], lines)
        #expect(result.status == 0)
        #expect(result.bytes.isEmpty && result.errors.isEmpty)
      }
    }

    @Test("control characters are escaped")
    func escapes() throws {
      try withNetwork(1) { network in
        try network.nodes[0].client().put("evil", "\u{1B}[2J\nStored key 'x' at 8 nodes")
        let result = try network.shell(network.nodes[0], "get evil\n")
        #expect(result.output == "Value: \\x1b[2J\\nStored key 'x' at 8 nodes\n")
      }
    }

    @Test("without a daemon it ends with status 5 and one line")
    func noDaemon() throws {
      try withNetwork { network in
        let lines = Array("get a\n".utf8)
        let result = try network.dhtctl("--socket", network.path("none"), "shell", input: lines)
        #expect(result.isComplaint(status: 5, network.path("none")), "\(result)")
      }
    }

    @Test("if the daemon dies, it ends with status 1 and one line")
    func daemonDies() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        // Halted, it answers nothing; killed, it closes the connection.
        let shell = try network.launchShell(socket: node.socketPath)
        try shell.feed("put a 1\n") { shell.output.count > 0 }
        node.process.halt()
        try shell.feed("put b 2\n") { true }
        node.kill()
        #expect(try shell.waitForExit(within: 20) == .exited(1))
        let lines = String(decoding: shell.errors, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("dhtctl: ") == true)
      }
    }
  }
}
