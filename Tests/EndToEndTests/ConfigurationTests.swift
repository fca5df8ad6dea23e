import Glibc
import Testing

extension EndToEnd {
  @Suite("Configuration of a daemon") struct ConfigurationTests {
    /// A node whose configuration is a file that the test may change.
    private func launch(
      _ network: LocalNetwork, _ yaml: String, environment: [String: String] = [:]
    ) throws -> DaemonProcess {
      try network.write(Array(yaml.utf8), to: "dhtd.yaml")
      return try network.launch(environment: environment, "--config", network.path("dhtd.yaml"))
    }

    @Test("a node uses its files, its own before the common one")
    func files() throws {
      try withNetwork(1) { network in
        let other = network.nodes[0]
        let port = try Ports.next()
        try network.write(Array("bootstrap: [\"\(other.address)\"]\nlog_level: error".utf8), to: "dhtd.yaml")
        try network.write(Array("log_level: debug".utf8), to: "\(port).yaml")
        let node = try network.launch(port: port, "--config", network.path("dhtd.yaml")).waitUntilReady()
        #expect(try node.knownNodes() == 1)
        try node.waitForLogLine { $0.contains("debug") }
        let printed = try network.dhtd("\(port)", "--config", network.path("dhtd.yaml"), "--print-config")
        #expect(printed.output.contains("log_level: debug  # \(network.path("\(port).yaml")):1\n"))
        #expect(printed.output.contains("# \(network.path("dhtd.yaml")):1\n"))
      }
    }

    @Test("an instance's file can be named directly, and a pipe without a writer is refused")
    func unusualFiles() throws {
      try withNetwork { network in
        try network.write(Array("alpha: 4".utf8), to: "8001.yaml")
        let own = try network.dhtd("8001", "--config", network.path("8001.yaml"), "--print-config")
        #expect(own.output.contains("alpha: 4  # \(network.path("8001.yaml")):1\n"), "\(own)")
        #expect(mkfifo(network.path("8002.yaml"), 0o644) == 0)
        let pipe = try network.dhtd("8002", "--config", network.path("8001.yaml"), "--check-config")
        #expect(pipe.isComplaint(status: 2, of: "dhtd", network.path("8002.yaml"), "not a file"), "\(pipe)")
      }
    }

    @Test("all problems are reported, a line each, and the daemon does not start")
    func wrong() throws {
      try withNetwork { network in
        try network.write(Array("alpha: 0\nalhpa: 3\nk: x\n".utf8), to: "dhtd.yaml")
        for options in [[], ["--check-config"], ["--print-config"]] {
          let result = try network.dhtd(["8001", "--config", network.path("dhtd.yaml")] + options)
          #expect(result.status == 2 && result.output.isEmpty)
          let lines = result.errors.split(separator: "\n")
          #expect(lines.count == 3)
          for (number, line) in lines.enumerated() {
            #expect(line.hasPrefix("dhtd: \(network.path("dhtd.yaml")):\(number + 1): "), "\(line)")
          }
        }
      }
    }

    @Test("a valid configuration is reported as valid, with the files that were read")
    func check() throws {
      try withNetwork { network in
        try network.write(Array("alpha: 4".utf8), to: "dhtd.yaml")
        let result = try network.dhtd("8001", "--config", network.path("dhtd.yaml"), "--check-config")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(result.output.contains(network.path("dhtd.yaml")))
        let both = try network.dhtd("8001", "--check-config", "--print-config")
        #expect(both.isComplaint(status: 2, of: "dhtd"))
      }
    }

    @Test("the environment and options set keys, and an unknown variable causes a warning")
    func environment() throws {
      try withNetwork { network in
        let result = try network.dhtd(
          ["8001", "--set", "k=9", "--print-config"], environment: ["DHTD_ALPHA": "5", "DHTD_K": "7"])
        #expect(result.output.contains("alpha: 5  # the environment variable DHTD_ALPHA\n"))
        #expect(result.output.contains("k: 9  # --set k\n"))
        let checked = try network.dhtd(["8001", "--check-config"], environment: ["DHTD_ALHPA": "5"])
        #expect(checked.status == 0 && checked.errors.contains("DHTD_ALHPA"))
        let wrong = try network.dhtd(["8001", "--set", "k"])
        #expect(wrong.isComplaint(status: 2, of: "dhtd", "KEY=VALUE"))
      }
    }

    @Test(
      "an unreadable file is reported, and the daemon does not start",
      .enabled(if: Programs.runAsOrdinaryUser))
    func unreadable() throws {
      try withNetwork { network in
        try network.write(Array("alpha: 4".utf8), to: "dhtd.yaml")
        #expect(chmod(network.path("dhtd.yaml"), 0) == 0)
        let result = try network.dhtd("8001", "--config", network.path("dhtd.yaml"), "--check-config")
        #expect(result.isComplaint(status: 2, of: "dhtd", network.path("dhtd.yaml"), "Permission denied"))
        let missing = try network.dhtd("8001", "--config", network.path("other.yaml"), "--check-config")
        #expect(missing.isComplaint(status: 2, of: "dhtd", network.path("other.yaml")))
      }
    }

    @Test("SIGHUP applies changeable settings, reports the others, and the node serves on")
    func reload() throws {
      try withNetwork { network in
        let manager = try NotifySocket(network.path("notify"))
        let node = try launch(network, "alpha: 3", environment: ["NOTIFY_SOCKET": manager.path])
        try manager.wait(for: "READY=1")
        manager.clear()
        try network.write(Array("alpha: 5\nlog_level: debug\nk: 9".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try manager.wait(for: "RELOADING=1")
        try manager.wait(for: "READY=1")
        #expect(manager.assignments.last == "STATUS=Alone: no contacts, 0 keys")
        try node.waitForLogLine { $0.contains("alpha is now 5") }
        try node.waitForLogLine { $0.contains("k cannot change") && $0.contains("restart") }
        try node.waitForLogLine { $0.contains("configuration reloaded: 2 changed") }
        // The new level is in force, so a put is logged.
        #expect(try node.client().put("key", "value")["result"]["stored"] == 1)
        try node.waitForLogLine { $0.contains("put done") && $0.contains("target=") }
      }
    }

    @Test("a reload with an invalid file changes nothing, and reports the problem")
    func wrongReload() throws {
      try withNetwork { network in
        let node = try launch(network, "log_level: info").waitUntilReady()
        try network.write(Array("log_level: debug\nalpha: 0".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("dhtd.yaml:2: alpha: '0' is not") }
        try node.waitForLogLine { $0.contains("keeps the current one") }
        #expect(try node.client().put("key", "value")["result"]["stored"] == 1)
        #expect(!node.process.errorLines.contains { $0.contains("put done") })
        // Mended, it is taken.
        try network.write(Array("log_level: debug".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("log_level is now debug") }
      }
    }

    @Test("a node that gets a bootstrap address while it runs joins the network")
    func lateBootstrap() throws {
      try withNetwork(2) { network in
        let node = try launch(network, "").waitUntilReady()
        #expect(try node.knownNodes() == 0)
        try network.write(Array("bootstrap: [\"\(network.nodes[0].address)\"]".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try eventually("two contacts", within: 20) { try node.knownNodes() == 2 }
      }
    }

    @Test("a smaller limit refuses further records and drops none")
    func smallerStore() throws {
      try withNetwork { network in
        let node = try launch(network, "storage: {max_bytes: 4MiB}").waitUntilReady()
        let value = String(repeating: "v", count: 900)
        for number in 0..<1000 { _ = try node.client().put("key\(number)", value) }
        try network.write(Array("storage: {max_bytes: 1MiB}".utf8), to: "dhtd.yaml")
        node.process.send(signal: SIGHUP)
        try node.waitForLogLine { $0.contains("storage.max_bytes is now 1MiB") }
        #expect(try node.client().put("one more", value)["error"]["code"] == 7)
        #expect(try node.status()["stored_keys"] == 1000)
      }
    }
  }
}
