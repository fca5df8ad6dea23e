import Glibc
import Testing

extension EndToEnd {
  @Suite("Notifications of the service manager") struct ServiceTests {
    @Test("the daemon reports that it joins, is ready, its status, and that it stops")
    func life() throws {
      try withNetwork { network in
        let manager = try NotifySocket(network.path("notify"))
        let node = try network.launch(environment: ["NOTIFY_SOCKET": manager.path])
        try manager.wait(for: "READY=1")
        #expect(manager.assignments.first?.hasPrefix("STATUS=Joining") == true)
        try manager.wait(for: "STATUS=Alone: no contacts, 0 keys")
        _ = try node.client().put("hello", "world")
        try manager.wait(for: "STATUS=Alone: no contacts, 1 key")
        try network.start(node)
        try manager.wait(for: "STATUS=Ready: 1 contact, 1 key")
        #expect(try node.stop() == .exited(0))
        try manager.wait(for: "STOPPING=1")
      }
    }

    @Test("it is not ready before the first join has ended")
    func readiness() throws {
      try withNetwork { network in
        let manager = try NotifySocket(network.path("notify"))
        let silent = try UDPClient()
        let node = try network.launch(
          bootstrap: ["127.0.0.1:\(silent.boundPort)"], environment: ["NOTIFY_SOCKET": manager.path])
        // The socket answers before that, and says so.
        try eventually("a control socket", within: 20) { isSocket(node.socketPath) }
        #expect(try node.status()["state"].string == "joining")
        #expect(!manager.assignments.contains("READY=1"))
        try manager.wait(for: "READY=1")
      }
    }

    @Test("it feeds the watchdog if there is one")
    func watchdog() throws {
      try withNetwork { network in
        let manager = try NotifySocket(network.path("notify"))
        _ = try network.launch(
          environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "300000"])
        for _ in 0..<3 {
          try manager.wait(for: "WATCHDOG=1")
          manager.clear()
        }
      }
    }

    @Test("a service manager that hangs does not block the node, and gets the rest when it is back")
    func hangingManager() throws {
      try withNetwork { network in
        let manager = try NotifySocket(network.path("notify"))
        manager.fill()
        let node = try network.launch(
          environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "5000"])
        try node.waitUntilReady()
        _ = try node.client().put("key", "value")
        try manager.wait(for: "READY=1")
        try manager.wait(for: "STATUS=Alone: no contacts, 1 key")
        manager.fill()
        #expect(try node.stop() == .exited(0))
      }
    }

    @Test(
      "a passed descriptor that is not a control socket is refused with a hint",
      arguments: [("3</dev/null", 1), ("3</dev/null 4</dev/null", 2)])
    func wrongSocket(redirections: String, count: Int) throws {
      try withNetwork { network in
        let port = try Ports.next()
        let daemon = try network.dhtd(
          handedOver: redirections, count: count, "\(port)", "--state-dir", network.path("state/node"))
        #expect(daemon.isComplaint(status: 1, of: "dhtd", "ListenStream="), "\(daemon)")
      }
    }

    @Test("a missing service manager is ignored")
    func nobody() throws {
      try withNetwork { network in
        let node = try network.launch(environment: ["NOTIFY_SOCKET": network.path("nowhere")])
        try node.waitUntilReady()
      }
    }

    @Test(
      "a daemon ends with its terminal, unless it was started with nohup",
      .enabled(if: exists("/usr/bin/script")))
    func terminal() throws {
      try withNetwork { network in
        let ends = try network.launchInTerminal(ignoringHangups: false)
        let stays = try network.launchInTerminal(ignoringHangups: true)
        for (port, terminal) in [ends, stays] {
          try eventually("a control socket") { isSocket(network.socketPath(of: port)) }
          // The terminal goes with the program that made it.
          terminal.end()
        }
        let client = try ControlSocketClient(network.socketPath(of: stays.port))
        defer { kill(client.daemon, SIGTERM) }
        try eventually("the end of a daemon") { !exists(network.socketPath(of: ends.port)) }
        #expect(try client.status()["state"] == "ready")
      }
    }

    @Test(
      "the journal is asked for on a machine that has none", .enabled(if: !exists("/run/systemd/journal")))
    func noJournal() throws {
      try withNetwork { network in
        let daemon = try network.dhtd("\(Ports.next())", "--log-target", "journal")
        #expect(daemon.isComplaint(status: 1, of: "dhtd", "journal", "stderr"), "\(daemon)")
      }
    }
  }
}
