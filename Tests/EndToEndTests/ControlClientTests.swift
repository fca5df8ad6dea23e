import Foundation
import Testing

extension EndToEnd {
  @Suite("The clients of the control socket and their limits") struct ControlClientTests {
    private func writes(_ node: DaemonProcess) -> [String] {
      node.process.errorLines.filter { $0.contains(" client_pid=") }
    }

    @Test("each write is logged with its process and user; reads and keys are not logged")
    func credentials() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let client = try node.client()
        try client.put("a secret key", "a secret value")
        #expect(try client.get("a secret key") == "a secret value")
        try client.call("delete", ["key": "a secret key"])
        try node.waitForLogLine { $0.contains("delete done") }
        let lines = writes(node)
        #expect(lines.count == 2)
        let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "unknown"
        for (line, word) in zip(lines, ["put done", "delete done"]) {
          #expect(line.contains(word), "\(line)")
          #expect(
            line.contains(" client_pid=\(getpid()) client_uid=\(geteuid()) client_user=\(user) "), "\(line)")
          #expect(line.contains(" target="))
        }
        #expect(!node.process.errorLines.contains { $0.contains("secret") })
      }
    }

    @Test("of many writes about a hundred are logged one by one, and the others are counted")
    func load() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let answers = try node.client().putAll((0..<2_000).map { ("key\($0)", "value") })
        #expect(answers.allSatisfy { $0["error"] == .null })
        _ = try node.stop()
        let lines = writes(node)
        let each = lines.count { $0.contains("put done") }
        #expect((100..<2_000).contains(each))
        let counted = lines.compactMap { line -> Int? in
          guard let words = line.firstRange(of: " further writes") else { return nil }
          return line[..<words.lowerBound].split(separator: " ").last.flatMap { Int($0) }
        }
        #expect(each + counted.reduce(0, +) == 2_000)
      }
    }

    @Test("log_writes logs all writes, or none", arguments: ["all", "none"])
    func logWrites(setting: String) throws {
      try withNetwork(1, options: ["--set", "log_writes=\(setting)"]) { network in
        let node = network.nodes[0]
        _ = try node.client().putAll((0..<300).map { ("key\($0)", "value") })
        _ = try node.stop()
        #expect(writes(node).count == (setting == "all" ? 300 : 0))
      }
    }

    @Test("the socket has the configured permissions and group, which must exist")
    func file() throws {
      try withNetwork { network in
        let node = try network.launch(in: nil, "--set", "control_mode=0600").waitUntilReady()
        var status = stat()
        #expect(stat(node.socketPath, &status) == 0 && status.st_mode & 0o7777 == 0o600)
        #expect(try node.client().put("k", "v")["error"] == .null)
        let arguments = [
          "8001", "--config", "/dev/null", "--state-dir", network.path("other"), "--control-socket",
          network.path("other.sock"), "--set",
        ]
        let unknown = try network.dhtd(arguments + ["control_group=no-such-group"])
        #expect(unknown.status == 1 && unknown.errors.contains("no-such-group"), "\(unknown)")
        let wrong = try network.dhtd(arguments + ["control_mode=rw"])
        #expect(wrong.status == 2 && wrong.errors.contains("control_mode"), "\(wrong)")
        #expect(access(network.path("other.sock"), F_OK) != 0)
      }
    }

    @Test("clients above the limit get an error, and a reload raises the limit")
    func clients() throws {
      try withNetwork { network in
        try network.write(Array("limits:\n  clients: 2\n".utf8), to: "dhtd.yaml")
        let node = try network.launch(in: nil, "--config", network.path("dhtd.yaml")).waitUntilReady()
        let first = try node.connect()
        let second = try node.connect()
        #expect(try first.status()["state"] == "ready")
        #expect(try second.status()["state"] == "ready")
        let third = try node.connect()
        let answer = try third.readAnswer()
        #expect(answer["error"]["code"] == 6)
        #expect(answer["error"]["message"].string?.contains("2 clients") == true)
        #expect(try third.readLine() == nil)
        try network.write(Array("limits:\n  clients: 3\n".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("limits.clients is now 3") }
        try eventually("a third client to be served") {
          (try? node.connect().status()["state"]) == "ready"
        }
      }
    }

    @Test("requests above a client's limit wait unread, and those above the total limit are refused as busy")
    func requests() throws {
      let options = ["--set", "limits.client_requests=4", "--set", "limits.all_requests=6"]
      try withNetwork(2, options: options) { network in
        let node = network.nodes[0]
        let (first, second) = (try node.connect(), try node.connect())
        try first.put("key", "value")
        // With the other node halted, a get takes a while.
        network.nodes[1].process.halt()
        defer { network.nodes[1].process.resume() }
        func line(_ method: String, _ id: Int64) -> [UInt8] {
          ControlSocketClient.line(
            method, method == "get" ? ["key": .string("no key \(id)")] : .null, id: .integer(id))
        }
        try first.send((0..<4).flatMap { line("get", Int64($0)) } + line("status", 4))
        try second.send((0..<4).flatMap { line("get", Int64($0)) })
        // Two of the second client's are one too many each.
        let refused = try (0..<2).map { _ in try second.readAnswer() }
        for answer in refused {
          #expect(answer["error"]["code"] == 6)
          #expect(answer["error"]["message"].string?.contains("6 requests") == true)
        }
        #expect(refused.map { $0["id"].integer } == [2, 3])
        // The first client's status was not read before there was room for it.
        #expect(try first.readAnswer()["result"]["node_id"] == .null)
        let rest = try (0..<4).map { _ in try first.readAnswer() }
        #expect(rest.contains { $0["result"]["node_id"] != .null })
      }
    }

    @Test("lookups of names that do not resolve are limited, and others are refused as busy")
    func names() throws {
      try withNetwork(1, options: ["--set", "limits.name_lookups=1"]) { network in
        let client = try network.nodes[0].connect()
        let answers = try client.callAll(
          (0..<20).map { ("ping", ["address": .string("no-such-host-\($0).invalid:1")]) })
        let busy = answers.filter { $0["error"]["code"] == 6 }
        #expect(busy.count > 0 && busy.count < 20)
        #expect(answers.allSatisfy { $0["error"] != .null })
        let again = try client.call("ping", ["address": "no-such-host.invalid:1"])
        #expect(again["error"]["code"] == 5)
      }
    }
  }
}
