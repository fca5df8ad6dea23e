import Foundation
import Testing

extension EndToEnd {
  @Suite("The conditions for a start") struct StartTests {
    @Test("a port in use ends the second daemon with one line, and leaves the first alone")
    func portInUse() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let second = try network.dhtd(
          "\(node.port)", "--state-dir", network.path("other"), "--control-socket", network.path("o.sock"))
        #expect(second.isComplaint(status: 1, of: "dhtd", "port \(node.port)", "in use"), "\(second)")
        #expect(!exists(network.path("o.sock")))
        #expect(try node.client().put("still", "here")["result"]["stored"] == 1)
      }
    }

    @Test("a state directory in use ends the second daemon with one line, and leaves the first alone")
    func stateInUse() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let key = try contents(node.stateDirectory + "/identity.key")
        let second = try network.dhtd(
          "\(Ports.next())", "--state-dir", node.stateDirectory, "--control-socket", network.path("o.sock"))
        #expect(second.isComplaint(status: 1, of: "dhtd", node.stateDirectory, "--state-dir"), "\(second)")
        #expect(try contents(node.stateDirectory + "/identity.key") == key)
        #expect(try node.client().put("still", "here")["result"]["stored"] == 1)
      }
    }

    @Test("a control socket in use ends the second daemon with one line, and stays in service")
    func socketInUse() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        let second = try network.dhtd(
          "\(Ports.next())", "--state-dir", network.path("other"), "--control-socket", node.socketPath)
        #expect(second.isComplaint(status: 1, of: "dhtd", node.socketPath, "--control-socket"), "\(second)")
        #expect(try node.connect().put("still", "here")["result"]["stored"] == 1)
      }
    }

    @Test(
      "the first node of a network finds the others again after a stop or kill", arguments: [true, false])
    func contacts(isKilled: Bool) throws {
      try withNetwork(3) { network in
        let first = network.nodes[0]
        let saved = first.stateDirectory + "/contacts"
        try eventually("saved contacts") { exists(saved) }
        _ = try network.nodes[1].client().put("hello", "world")
        if isKilled { first.kill() } else { _ = try first.stop() }
        // The node knows no other node, and is ready when it has met some.
        try first.startAgain().waitUntilReady()
        #expect(try first.client().get("hello") == "world")
        #expect(mode(saved) == 0o600)
      }
    }

    @Test("nodes that all restart find each other again without their bootstrap node")
    func withoutBootstrapNode() throws {
      try withNetwork(5) { network in
        let others = Array(network.nodes.dropFirst())
        var promises = Promises()
        #expect(try promises.put(pairs(50), at: others[0]) == [])
        network.nodes[0].kill()
        // One after the other, and then all at once.
        for node in others {
          #expect(try node.stop() == .exited(0))
          try node.startAgain().waitUntilReady()
          #expect(try promises.broken(at: node) == [])
        }
        for node in others { #expect(try node.stop() == .exited(0)) }
        for node in others { try node.startAgain() }
        for node in others { try node.waitUntilReady() }
        for node in others { #expect(try promises.broken(at: node) == []) }
        #expect(try others[3].client().put("later", "value")["result"]["stored"] == 4)
        #expect(try others[1].client().get("later") == "value")
      }
    }

    @Test("the socket that a killed daemon left behind is replaced")
    func staleSocket() throws {
      try withNetwork(1) { network in
        let node = network.nodes[0]
        node.kill()
        #expect(isSocket(node.socketPath))
        try node.startAgain().waitUntilReady()
        #expect(try node.client().put("back", "again")["result"]["stored"] == 1)
      }
    }

    @Test("a regular file at the path of the socket is not touched")
    func regularFile() throws {
      try withNetwork { network in
        try network.write(Array("precious".utf8), to: "file")
        let daemon = try network.dhtd(
          "\(Ports.next())", "--state-dir", network.path("state"), "--control-socket", network.path("file"))
        #expect(daemon.isComplaint(status: 1, of: "dhtd", network.path("file")), "\(daemon)")
        #expect(try contents(network.path("file")) == Array("precious".utf8))
      }
    }

    @Test("a symbolic link at the path of the socket is not followed")
    func symbolicLink() throws {
      try withNetwork { network in
        try network.write(Array("precious".utf8), to: "file")
        #expect(symlink(network.path("file"), network.path("link")) == 0)
        let daemon = try network.dhtd(
          "\(Ports.next())", "--state-dir", network.path("state"), "--control-socket", network.path("link"))
        #expect(daemon.isComplaint(status: 1, of: "dhtd", network.path("link")), "\(daemon)")
        #expect(try contents(network.path("file")) == Array("precious".utf8))
      }
    }

    @Test("a daemon's files are accessible to its user and group only")
    func modes() throws {
      try withNetwork(1) { (network) throws in
        let node = network.nodes[0]
        #expect(mode(node.socketPath) == 0o660)
        #expect(mode(node.stateDirectory + "/identity.key") == 0o600)
        #expect(mode(node.stateDirectory) == 0o700)
      }
    }

    @Test("a damaged identity is reported and not changed", arguments: [0, 31, 33, 4_096])
    func damagedIdentity(size: Int) throws {
      try withNetwork { network in
        let bytes = [UInt8](repeating: 0x41, count: size)
        try network.makeDirectory("state/node")
        try network.write(bytes, to: "state/node/identity.key")
        let daemon = try network.dhtd(
          "\(Ports.next())", "--state-dir", network.path("state/node"), "--control-socket",
          network.path("c.sock"))
        #expect(daemon.isComplaint(status: 1, of: "dhtd", "identity.key"), "\(daemon)")
        #expect(try contents(network.path("state/node/identity.key")) == bytes)
        #expect(!exists(network.path("c.sock")))
      }
    }

    @Test(
      "a daemon without options uses the directories of its user",
      .enabled(if: Programs.runAsOrdinaryUser))
    func defaultPlaces() throws {
      try withNetwork { network in
        let port = try Ports.next()
        let daemon = try network.startPlain("\(port)")
        #expect(isSocket(network.socketPath(of: port)))
        #expect(mode(network.stateDirectory(of: port) + "/identity.key") == 0o600)
        #expect(try network.dhtctl("-i", "\(port)", "put", "k", "v").status == 0)
        daemon.send(signal: SIGTERM)
        #expect(try daemon.waitForExit(within: 20) == .exited(0))
        #expect(!exists(network.socketPath(of: port)))
      }
    }

    @Test(
      "an unwritable directory is reported in one line",
      .enabled(if: Programs.runAsOrdinaryUser),
      arguments: [
        ["--state-dir", "/dhtd-state"], ["--control-socket", "/dhtd.sock"], ["--state-dir", "/dev/null"],
        ["--control-socket", "/dev/null/c.sock"],
      ])
    func unwritable(option: [String]) throws {
      try withNetwork { network in
        let port = try Ports.next()
        let daemon = try network.dhtd("\(port)", option[0], option[1])
        #expect(daemon.isComplaint(status: 1, of: "dhtd", option[1]), "\(daemon)")
      }
    }

    @Test("an empty path is refused", arguments: ["--state-dir", "--control-socket", "--bind"])
    func emptyPath(option: String) throws {
      try withNetwork { network in
        let daemon = try network.dhtd("\(Ports.next())", option, "")
        #expect(daemon.isComplaint(status: 2, of: "dhtd", option), "\(daemon)")
      }
    }

    @Test("a path too long for a socket is refused with the limit in the error")
    func longPath() throws {
      try withNetwork { network in
        let path = network.path(String(repeating: "x", count: 120))
        let daemon = try network.dhtd(
          "\(Ports.next())", "--state-dir", network.path("state"), "--control-socket", path)
        #expect(daemon.isComplaint(status: 2, of: "dhtd", "99 bytes"), "\(daemon)")
      }
    }

    @Test(
      "an invalid command line is refused in one line with status 2",
      arguments: [
        ["0"], ["70000"], ["abc"], ["-5"], [""], ["8001", "nohost"], ["8001", ""], ["8001", "host:0"],
        ["8001", "host:70000"], ["8001", "::1:8001"], ["8001", "--bootstrap", "x"], ["8001", "--bogus"],
        ["8001", "--durability", "tape"], ["8001", "--log-level", "loud"],
        ["8001", "--log-target", "printer"], ["8001", "--bootstrap"], ["8001", "--bootstrap", ""],
        ["8001", "--set", "alpha="],
      ])
    func badUsage(arguments: [String]) throws {
      try withNetwork { network in
        let daemon = try network.dhtd(arguments)
        #expect(daemon.isComplaint(status: 2, of: "dhtd", "dhtd --help"), "\(daemon)")
      }
    }

    @Test(
      "an address that cannot be bound is reported in one line, and an invalid one is a usage error",
      arguments: [["192.0.2.7"], ["2001:db8::7"]],
      [["localhost"], ["::1:1:::"], ["127.0.0.1", "127.0.0.2"]])
    func badBind(unavailable: [String], wrong: [String]) throws {
      try badBind(unavailable, status: 1)
      try badBind(wrong, status: 2)
    }

    private func badBind(_ addresses: [String], status: Int32) throws {
      try withNetwork { network in
        let options = addresses.flatMap { ["--bind", $0] }
        let daemon = try network.dhtd(
          [
            "\(Ports.next())", "--state-dir", network.path("state"), "--control-socket",
            network.path("c.sock"),
          ] + options)
        #expect(
          daemon.isComplaint(status: status, of: "dhtd", status == 1 ? addresses.last ?? "" : "--bind"),
          "\(daemon)")
        #expect(!exists(network.path("c.sock")))
      }
    }
  }
}
