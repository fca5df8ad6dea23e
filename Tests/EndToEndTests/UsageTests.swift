import ControlProtocol
import Testing

extension EndToEnd {
  @Suite("Valid and invalid command lines of dhtctl") struct UsageTests {
    @Test(
      "an invalid command line ends with 2 and one line",
      arguments: [
        [], ["explode"], ["--bogus"], ["put"], ["put", "k"], ["put", "k", "v", "w"], ["put", "", "v"],
        ["put", "k", "v", "--ttl", "0"], ["put", "k", "v", "--ttl", "-1"], ["put", "k", "v", "--ttl", "31d"],
        ["put", "k", "v", "--ttl", "soon"], ["put", "k", "v", "--ttl"], ["put", "k", "v", "--if-seq", "x"],
        ["put", "k", "v", "--if-seq=-1"], ["put", "k", "v", "--if-seq", "9223372036854775808"],
        ["put", "-k", "v"], ["get"], ["get", ""], ["get", "a", "b"], ["get", "k", "--max-age", "soon"],
        ["get", "k", "--max-age", "-1"], ["get", "k", "--trace=yes"], ["delete"], ["delete", ""],
        ["delete", "a", "b"], ["status", "now"], ["peers", "all"], ["keys", "k"], ["keys", "--limit", "0"],
        ["keys", "--limit", "many"], ["lookup"], ["lookup", "k", "--target", "00"],
        ["lookup", "--target", "00"], ["lookup", ""], ["ping"], ["ping", "host"], ["ping", "host:0"],
        ["bootstrap"], ["bootstrap", "::1"], ["shell", "x"], ["--timeout", "0", "status"],
        ["--timeout", "-1", "status"], ["--timeout", "nan", "status"], ["-i", "0", "status"],
        ["-i", "65536", "status"], ["-i", "one", "status"], ["-i", "1", "--socket", "s", "status"],
      ])
    func badUsage(arguments: [String]) throws {
      try withNetwork { network in
        let result = try network.dhtctl(arguments)
        #expect(result.isComplaint(status: 2, "--help"), "\(result)")
      }
    }

    @Test("an unreadable file is reported, and ends with 1")
    func unreadableFile() throws {
      try withNetwork { network in
        let missing = try network.dhtctl("put", "k", "@/nowhere/at/all")
        #expect(missing.isComplaint(status: 1, "/nowhere/at/all", "--literal"), "\(missing)")
      }
    }

    @Test("without a daemon every command ends with 5 and one line that says how to start one")
    func noDaemon() throws {
      try withNetwork { network in
        for command in [
          ["put", "k", "v"], ["get", "k"], ["delete", "k"], ["status"], ["peers"], ["keys"], ["lookup", "k"],
          ["ping", "127.0.0.1:1"], ["bootstrap", "127.0.0.1:1"], ["shell"],
        ] {
          let result = try network.dhtctl(["--socket", network.path("none.sock")] + command)
          #expect(result.isComplaint(status: 5, "dhtd"), "\(command): \(result)")
        }
      }
    }

    @Test("no instance, one, and several of them", .enabled(if: Programs.runAsOrdinaryUser))
    func instances() throws {
      try withNetwork { network in
        let none = try network.dhtctl("status")
        try #require(none.status == 5, "another dhtd runs on this machine: \(none)")
        #expect(none.isComplaint(status: 5, "dhtd"), "\(none)")
        let a = try network.start()
        #expect(try network.dhtctl("status").output.contains(a.address))
        let b = try network.start(a)
        let several = try network.dhtctl("status")
        #expect(several.isComplaint(status: 2, "\(a.port)", "\(b.port)", "-i"), "\(several)")
        #expect(try network.dhtctl("-i", "\(b.port)", "status").output.contains(b.address))
        let chosen = ["DHTCTL_INSTANCE": "\(b.port)"]
        #expect(try network.dhtctl(["status"], environment: chosen).output.contains(b.address))
        #expect(
          try network.dhtctl(["-i", "\(a.port)", "status"], environment: chosen).output.contains(a.address))
        let wrong = try network.dhtctl(["status"], environment: ["DHTCTL_INSTANCE": "mine"])
        #expect(wrong.isComplaint(status: 2, "DHTCTL_INSTANCE"), "\(wrong)")
        b.kill()
        #expect(try network.dhtctl(["status"], environment: chosen).isComplaint(status: 5, "\(b.port)"))
        // Its socket is still there, but it runs no more.
        #expect(try network.dhtctl("status").output.contains(a.address))
        // The instance whose socket is in the place of instance 8001 comes first.
        let port = try Ports.next()
        _ = try network.startPlain(
          "\(port)", "--state-dir", network.path("8001"), "--control-socket", network.socketPath(of: 8001))
        #expect(try network.dhtctl("status").output.contains("127.0.0.1:\(port)"))
      }
    }

    @Test("both programs print their version")
    func versions() throws {
      try withNetwork { (network) throws in
        #expect(try network.dhtctl("--version").output == "dhtctl \(ProjectVersion.current)\n")
        #expect(try network.dhtd("--version").output == "dhtd \(ProjectVersion.current)\n")
      }
    }

    @Test("the help of dhtd lists every option", arguments: ["--help", "-h"])
    func dhtdHelp(option: String) throws {
      try withNetwork { network in
        let help = try network.dhtd(option)
        #expect(help.status == 0 && help.errors.isEmpty)
        for word in [
          "--bind", "--bootstrap", "--state-dir", "--control-socket", "--durability", "disk", "memory",
          "--log-level", "--log-target", "auto", "journal", "stderr", "--version",
        ] { #expect(help.output.contains(word), "no \(word) in the help of dhtd") }
      }
    }

    @Test("the help of dhtctl lists every option and command")
    func dhtctlHelp() throws {
      try withNetwork { network in
        let help = try network.dhtctl("--help")
        #expect(help.status == 0 && help.errors.isEmpty)
        for word in [
          "-i", "--socket", "--json", "--timeout", "DHTCTL_INSTANCE", "put", "get", "delete", "status",
          "peers", "keys", "lookup", "ping", "bootstrap", "shell",
          "0 done, 1 failed, 2 usage, 3 not found, 4 conflict",
        ] { #expect(help.output.contains(word), "no \(word) in the help of dhtctl") }
        let put = try network.dhtctl("put", "--help")
        for word in ["--ttl", "--if-seq", "--literal", "@FILE"] { #expect(put.output.contains(word)) }
        let get = try network.dhtctl("get", "--help")
        for word in ["--max-age", "--trace"] { #expect(get.output.contains(word)) }
      }
    }

    @Test("help for an unknown command is a usage error")
    func helpForNothing() throws {
      try withNetwork { network in
        let help = try network.dhtctl("help", "explode")
        #expect(help.isComplaint(status: 2), "\(help)")
      }
    }
  }
}
