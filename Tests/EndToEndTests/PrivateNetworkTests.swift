import Foundation
import Synchronization
import Testing

extension EndToEnd {
  @Suite("A private network") struct PrivateNetworkTests {
    private static let options = [
      "--durability", "memory", "--set", "liveness_interval=1s", "--set", "liveness_interval_in_doubt=1s",
      "--set", "rpc_timeout=1s",
    ]

    /// The datagrams of two nodes while they join, and while values are put, changed, read and deleted.
    /// - Returns: what passed, and all that must not be seen in it.
    private func conversation(
      _ network: LocalNetwork, key: String?
    ) throws -> (captured: [Tap.Captured], secrets: [String: [UInt8]]) {
      func start(_ port: UInt16, _ bootstrap: [String]) throws -> DaemonProcess {
        guard let key else { return try network.launch(port: port, bootstrap: bootstrap).waitUntilReady() }
        return try network.startPrivate(key, port: port, bootstrap: bootstrap)
      }
      let first = try start(try Ports.next(), [])
      let port = try Ports.next()
      let tap = try Tap(first: first.port, second: port)
      let second = try start(port, ["127.0.0.1:\(tap.port)"])
      for node in [first, second] { try eventually("the other node") { try node.knownNodes() == 1 } }
      let put = try second.client().put("the-clear-key", "the-clear-value")["result"]
      #expect(put["stored"] == 2)
      #expect(try first.client().put("the-clear-key", "another-value")["result"]["stored"] == 2)
      #expect(try second.client().get("the-clear-key") == "another-value")
      #expect(try first.client().call("delete", ["key": "the-clear-key"])["result"]["stored"] == 2)
      try tap.end()
      var secrets: [String: [UInt8]] = [
        "key": Array("the-clear-key".utf8), "value": Array("the-clear-value".utf8),
        "other value": Array("another-value".utf8), "target": bytes(hex: put["target"].string ?? ""),
        "words of the protocol": Array("1:y1:".utf8),
      ]
      for (index, node) in [first, second].enumerated() {
        secrets["ID \(index)"] = bytes(hex: try node.nodeID() ?? "")
      }
      return (tap.captured, secrets)
    }

    @Test("no datagram contains a key, value, target or ID in plain text")
    func captured() throws {
      try withNetwork(options: Self.options) { network in
        // Without a key all of it is to be seen: this way of looking would find it.
        let open = try conversation(network, key: nil)
        for (name, secret) in open.secrets {
          #expect(secret.count >= 5)
          #expect(open.captured.contains { $0.bytes.firstRange(of: secret) != nil }, "\(name)")
        }
        let key = try network.newKey()
        var (captured, secrets) = try conversation(network, key: key)
        secrets["network key"] = Array(Data(base64Encoded: key) ?? Data())
        secrets["network key as text"] = Array(key.utf8)
        secrets["name"] = Array("test".utf8)
        #expect(secrets["network key"]?.count == 32)
        for side in [Tap.Side.first, .second] { #expect(captured.count { $0.to == side } > 5) }
        for datagram in captured {
          #expect(datagram.bytes.first == 1 && datagram.bytes.count > 41 && datagram.bytes.count < 1_280)
          for (name, secret) in secrets where datagram.bytes.firstRange(of: secret) != nil {
            Issue.record("\(name) is in a datagram of \(datagram.bytes.count) bytes")
          }
        }
      }
    }

    @Test("a node without the key, or with another, gets no answer")
    func outsiders() throws {
      try withNetwork(options: Self.options) { network in
        let key = try network.newKey()
        let first = try network.startPrivate(key)
        let second = try network.startPrivate(key, bootstrap: [first.address])
        try eventually("the two") { try first.knownNodes() == 1 }
        #expect(try second.client().put("key", "value")["result"]["stored"] == 2)

        let open = try network.start(first)
        let other = try network.startPrivate(
          try network.newKey(), bootstrap: [first.address, second.address])
        for outsider in [open, other] {
          #expect(try outsider.knownNodes() == 0)
          #expect(try outsider.client().get("key") == nil)
          #expect(
            try outsider.client().call("ping", ["address": .string(first.address)])["error"]["code"] == 5)
          #expect(try outsider.client().put("theirs", "x")["result"]["stored"] == 1)
          #expect(try outsider.counter("responses_received") == 0)
        }
        #expect(try first.sealing("not_sealed") > 0)
        #expect(try first.sealing("wrong_key") > 0)
        #expect(try first.knownNodes() == 1)
        #expect(try second.client().get("theirs") == nil)

        // Not one byte comes back, whatever is sent: neither to a query nor to nonsense.
        let client = try UDPClient()
        let before = try first.sealing("not_sealed") + first.sealing("untimely")
        let ping = Array("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe".utf8)
        for datagram in [ping, Array("d1:q1:xe".utf8), [], [1], [UInt8](repeating: 1, count: 400)] {
          client.send(datagram, to: first.port)
        }
        try eventually("all to have come") {
          try first.sealing("not_sealed") + first.sealing("untimely") >= before + 5
        }
        // Datagrams to other nodes are sent before the answer to `status`.
        _ = try first.status()
        #expect(client.receiveAtHand() == nil)
      }
    }

    @Test("a replayed datagram changes nothing at any node and any time")
    func replay() throws {
      try withNetwork(options: Self.options) { network in
        let key = try network.newKey()
        let first = try network.startPrivate(key)
        let port = try Ports.next()
        let tap = try Tap(first: first.port, second: port)
        let second = try network.startPrivate(key, port: port, bootstrap: ["127.0.0.1:\(tap.port)"])
        for node in [first, second] { try eventually("the other node") { try node.knownNodes() == 1 } }
        for number in 0..<20 {
          #expect(try second.client().put("key\(number % 10)", "value \(number)")["result"]["stored"] == 2)
        }
        for number in 0..<5 {
          let answer = try second.client().call("delete", ["key": "key\(number)"])
          #expect(answer["result"]["stored"] == 2)
        }
        try tap.end()
        let lone = try network.startPrivate(key)
        let captured = tap.captured
        let toFirst = captured.filter { $0.to == .first }.map(\.bytes)
        #expect(toFirst.count > 45)
        let held = try first.heldKeys()
        #expect(held.count == 5)

        func replay(_ datagrams: [[UInt8]], to node: DaemonProcess) throws {
          let client = try UDPClient()
          let before = try node.sealing("opened") + node.sealing("replayed") + node.sealing("untimely")
          for datagram in datagrams { client.send(datagram, to: node.port) }
          try eventually("all to have come") {
            let now = try node.sealing("opened") + node.sealing("replayed") + node.sealing("untimely")
            return now >= before + Int64(datagrams.count)
          }
        }
        let counters = [
          "records_stored", "queries_answered", "responses_received", "stray_answers", "known_nodes",
        ]
        let before = try counters.map { try first.counter($0) }
        let replayed = try first.sealing("replayed")
        try replay(toFirst + toFirst.reversed(), to: first)
        #expect(try first.sealing("replayed") == replayed + Int64(2 * toFirst.count))
        #expect(try counters.dropLast().map { try first.counter($0) } == Array(before.dropLast()))
        #expect(try first.heldKeys() == held)

        // A node that has heard neither of them takes them for what they are, and keeps nothing.
        try replay(captured.map(\.bytes), to: lone)
        #expect(try lone.sealing("opened") > 0)
        #expect(try lone.heldKeys() == [:] && lone.counter("records_stored") == 0)
        #expect(try lone.knownNodes() == 0)

        // A node that has restarted without its memory stores nothing either. The other one would hand the records
        // over.
        second.kill()
        try first.startAgain(joining: false).waitUntilReady()
        try replay(toFirst, to: first)
        #expect(try first.sealing("opened") > 0)
        #expect(try first.heldKeys() == [:] && first.counter("records_stored") == 0)
      }
    }

    @Test("a key rotation under load, by command or by file, fails no request")
    func rotation() throws {
      try withNetwork(options: ["--durability", "memory"]) { network in
        let (old, new) = (try network.newKey(), try network.newKey())
        let first = try network.startPrivate(old)
        let nodes =
          try [first] + (0..<4).map { _ in try network.startPrivate(old, bootstrap: [first.address]) }
        for node in nodes { try eventually("the others") { try node.knownNodes() == 4 } }
        let load = Load(at: nodes)
        func whileLoaded(_ step: () throws -> Void) throws {
          try load.waitForMore(300)
          try step()
        }
        func keyring(_ node: DaemonProcess, _ change: String, _ what: String) throws {
          let result = try network.dhtctl(node, "keyring", change, what)
          #expect(result.status == 0, "\(result)")
        }
        try network.writeKeys(new, to: "new.keys")
        let (oldName, newName) = (try first.fingerprints()[0], try fingerprint(of: new, network))
        // Four by commands.
        for node in nodes.dropLast() {
          try whileLoaded { try keyring(node, "add", network.path("new.keys")) }
        }
        let last = nodes[4]
        func rewrite(_ keys: String...) throws {
          try network.write(Array((keys.joined(separator: "\n") + "\n").utf8), to: "\(last.port).keys")
          last.process.send(signal: SIGHUP)
        }
        // And one by its file.
        try whileLoaded {
          try rewrite(old, new)
          try eventually("the file to be read") { try last.fingerprints() == [oldName, newName] }
        }
        for node in nodes.dropLast() {
          try whileLoaded { try keyring(node, "use", newName) }
        }
        try whileLoaded {
          try rewrite(new, old)
          try eventually("the file to be read") { try last.fingerprints() == [newName, oldName] }
        }
        for node in nodes.dropLast() {
          try whileLoaded { try keyring(node, "remove", oldName) }
        }
        try whileLoaded {
          try rewrite(new)
          try eventually("the file to be read") { try last.fingerprints() == [newName] }
        }
        try load.waitForMore(300)
        let result = try load.end()
        #expect(result.failures == [])
        #expect(result.done > 4_000)
        for node in nodes {
          #expect(try node.sealing("wrong_key") == 0)
          #expect(try contents(network.path("\(node.port).keys")) == Array("\(new)\n".utf8))
          #expect(mode(network.path("\(node.port).keys")) == 0o600)
        }
        // A node with only the old key is excluded, and a node that is restarted is not.
        #expect(try network.startPrivate(old, bootstrap: [first.address]).knownNodes() == 0)
        try nodes[1].startAgain().waitUntilReady()
        try eventually("the others") { try nodes[1].knownNodes() == 4 }
        #expect(
          !nodes.contains { node in node.process.errorLines.contains { $0.contains(old) || $0.contains(new) }
          })
      }
    }

    /// The fingerprint of a key.
    private func fingerprint(of key: String, _ network: LocalNetwork) throws -> String {
      let node = try network.startPrivate(key)
      defer { node.kill() }
      return try #require(try node.fingerprints().first)
    }

    @Test("networks with different names never mix, even with the same key and addresses")
    func names() throws {
      try withNetwork(options: Self.options) { network in
        let key = try network.newKey()
        let one = try network.startPrivate(key, name: "one")
        let gone = try network.startPrivate(key, name: "one", bootstrap: [one.address])
        try eventually("the two of one") { try one.knownNodes() == 1 }
        #expect(try one.client().put("key", "of one")["result"]["stored"] == 2)
        let two = try network.startPrivate(key, name: "two", bootstrap: [one.address, gone.address])
        #expect(try two.knownNodes() == 0)

        // Where a node of the one was, at a contact's address and with its very ID, is one of the other now.
        try gone.startAgain("--set", "network.name=two").waitUntilReady()
        try eventually("the two of two", within: 60) { try two.knownNodes() == 1 }
        try eventually("the one to be left alone", within: 60) { try one.knownNodes() == 0 }
        #expect(try two.client().put("key", "of two")["result"]["stored"] == 2)
        #expect(try one.client().get("key") == "of one")
        #expect(try gone.client().get("key") == "of two")
        #expect(try one.sealing("wrong_key") > 0 && two.sealing("opened") > 0)
        #expect(try one.heldKeys(prefix: "key").count == 1)
      }
    }

    @Test(
      "keys come from a credential too; a change of them is in force, and it is said that it is not saved")
    func credential() throws {
      try withNetwork(options: Self.options) { network in
        let (key, other) = (try network.newKey(), try network.newKey())
        try network.makeDirectory("credentials")
        try network.writeKeys(key, to: "credentials/network.keys")
        // An access list for the service's user looks like this.
        #expect(chmod(network.path("credentials/network.keys"), 0o440) == 0)
        let node = try network.launch(environment: ["CREDENTIALS_DIRECTORY": network.path("credentials")])
          .waitUntilReady()
        let friend = try network.startPrivate(key, name: "dhtd", bootstrap: [node.address])
        #expect(try friend.knownNodes() == 1)
        let added = try network.dhtctl(node, "keyring", "add", "-", input: Array(other.utf8))
        #expect(added.status == 0 && added.output.contains("opens"), "\(added)")
        #expect(added.errors.hasPrefix("dhtctl: not saved: ") && added.errors.contains("credential"))
        #expect(try node.fingerprints().count == 2)
        #expect(try contents(network.path("credentials/network.keys")) == Array("\(key)\n".utf8))
      }
    }

    @Test(
      "a key file that others can read, or that is none, keeps the node from starting, and says what to do")
    func wrongFiles() throws {
      try withNetwork { network in
        let key = try network.newKey()
        try network.writeKeys("# nothing", to: "empty")
        try network.writeKeys(key, "\(key.dropLast())", to: "cut")
        try network.writeKeys(key, key, to: "twice")
        try network.writeKeys(key, to: "open")
        #expect(chmod(network.path("open"), 0o640) == 0)
        for (name, word) in [
          ("missing", "--generate-key"), ("empty", "no key"), ("cut", "line 2"), ("twice", "already"),
          ("open", "chmod 600"), ("", "not a regular file"),
        ] {
          let path = network.path(name)
          for more in [[], ["--check-config"]] {
            let result = try network.dhtd(["8001", "--set", "network.keys=\(path)"] + more)
            #expect(result.isComplaint(status: 2, of: "dhtd", path, word), "\(result)")
            #expect(!result.errors.contains(key.prefix(20)))
          }
        }
      }
    }

    @Test("a reload with an invalid key file, or without keys, changes nothing")
    func wrongReload() throws {
      try withNetwork(options: Self.options) { network in
        let key = try network.newKey()
        try network.writeKeys(key, to: "keys")
        try network.write(Array("network: {keys: \(network.path("keys"))}".utf8), to: "dhtd.yaml")
        let node = try network.launch("--config", network.path("dhtd.yaml")).waitUntilReady()
        let friend = try network.startPrivate(key, name: "dhtd", bootstrap: [node.address])
        try network.writeKeys("nonsense", to: "keys")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("line 1") }
        try node.waitForLogLine { $0.contains("keeps the current one") }
        try network.writeKeys(key, to: "keys")
        try network.write(Array("log_level: info".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("network.keys cannot change") }
        #expect(try friend.client().put("key", "value")["result"]["stored"] == 2)
        #expect(try node.client().get("key") == "value")
      }
    }

    @Test("the keyring commands refuse to lock the node out, and take no key as an argument")
    func commands() throws {
      try withNetwork(options: Self.options) { network in
        let (key, other) = (try network.newKey(), try network.newKey())
        let node = try network.startPrivate(key)
        let name = try #require(try node.fingerprints().first)
        let list = try network.dhtctl(node, "keyring", "list")
        #expect(list.status == 0 && list.output.contains("\(name)  seals and opens"), "\(list)")
        #expect(!list.output.contains(key.prefix(10)))
        let asArgument = try network.dhtctl(node, "keyring", "add", other)
        #expect(asArgument.isComplaint(status: 2, "never an argument") && !asArgument.errors.contains(other))
        #expect(try network.dhtctl(node, "keyring", "add", "-").isComplaint(status: 1, "expected one key"))
        let noKey = try network.dhtctl(node, "keyring", "add", "-", input: Array("hello".utf8))
        #expect(noKey.isComplaint(status: 1, "invalid key", "--generate-key"), "\(noKey)")
        #expect(try network.dhtctl(node, "keyring", "remove", name).isComplaint(status: 1, "only one"))
        #expect(try network.dhtctl(node, "keyring", "use", "0123456789ab").isComplaint(status: 1, name))
        try network.writeKeys("# the next one", other, to: "next")
        #expect(try network.dhtctl(node, "keyring", "add", network.path("next")).status == 0)
        #expect(
          try network.dhtctl(node, "keyring", "add", network.path("next")).isComplaint(status: 1, "already"))
        #expect(try network.dhtctl(node, "keyring", "remove", name).isComplaint(status: 1, "seals"))
        let json = try JSON(parsing: network.dhtctl(node, "--json", "keyring", "list").bytes)
        #expect(json.names == ["keys", "network", "path", "saved"] && json["keys"].array.count == 2)
        #expect(json["keys"][0] == ["fingerprint": .string(name), "seals": true])
        let status = try network.dhtctl(node, "status")
        #expect(status.output.contains("Private network: test, 2 keys, "), "\(status)")

        let open = try network.start()
        #expect(try network.dhtctl(open, "keyring", "list").isComplaint(status: 1, "open network"))
      }
    }

    @Test("a key typed at the terminal is not shown")
    func terminal() throws {
      try withNetwork(options: Self.options) { network in
        let (key, other) = (try network.newKey(), try network.newKey())
        let node = try network.startPrivate(key)
        let process = try network.launchInTerminal(["keyring", "add"], at: node)
        try process.pump(until: Deadline(within: 20)) {
          process.output.firstRange(of: Array("Key: ".utf8)) != nil
        }
        try process.feed("\(other)\n") { true }
        #expect(try process.waitForExit(within: 20) == .exited(0))
        #expect(try node.fingerprints().count == 2)
        #expect(!String(decoding: process.output, as: UTF8.self).contains(other.prefix(10)))
      }
    }
  }
}

/// Puts and gets at several nodes continuously until it is stopped.
private final class Load: Sendable {
  struct Result: Sendable {
    var done = 0
    var failures: [String] = []
  }

  private struct State {
    var result = Result()
    var isOver = false
    var running: Int
  }

  private let state: Mutex<State>

  init(at nodes: [DaemonProcess]) {
    state = Mutex(State(running: nodes.count))
    for (number, node) in nodes.enumerated() {
      let path = node.socketPath
      Thread.detachNewThread { [self] in
        do {
          try run(number, try ControlSocketClient(path))
        } catch {
          state.withLock { $0.result.failures.append("\(error)") }
        }
        state.withLock { $0.running -= 1 }
      }
    }
  }

  private func run(_ number: Int, _ client: ControlSocketClient) throws {
    var round = 0
    while !state.withLock(\.isOver) {
      round += 1
      let keys = (0..<10).map { "load \(number) \(round % 50) \($0)" }
      let puts = try client.putAll(keys.map { ($0, "value \(round)") })
      let gets = try client.getAll(keys)
      let failures =
        puts.filter { $0["result"]["stored"].integer ?? 0 < 3 }.map { "put: \($0)" }
        + gets.filter { $0["result"]["value"] != .string("value \(round)") }.map { "get: \($0)" }
      state.withLock { state in
        state.result.done += 20
        state.result.failures += failures
      }
    }
  }

  /// Waits for a number of further requests, so that the next step happens under load.
  func waitForMore(_ count: Int) throws {
    let goal = state.withLock { $0.result.done + count }
    try eventually("\(count) requests", within: 60) {
      state.withLock { $0.result.done >= goal || !$0.result.failures.isEmpty }
    }
  }

  func end() throws -> Result {
    state.withLock { $0.isOver = true }
    try eventually("the load to end", within: 60) { state.withLock { $0.running == 0 } }
    return state.withLock(\.result)
  }
}
