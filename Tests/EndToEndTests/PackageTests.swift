import Testing

extension EndToEnd {
  /// The package, installed on a Debian that has no Swift, under a real systemd.
  @Suite("The package under systemd", .enabled(if: Container.isAvailable)) struct PackageTests {
    @Test("it installs without Swift, starts nothing, and its files are in place")
    func install() throws {
      try withContainer { machine in
        #expect(try machine.run("command -v swift").status != 0)
        #expect(try machine.output("systemctl list-units --plain --no-legend 'dhtd@*'") == "")
        #expect(try machine.output("systemctl is-enabled dhtd.target") == "enabled")
        #expect(try machine.output("dhtd --version; dhtctl --version").split(separator: "\n").count == 2)
        #expect(try machine.output("getent passwd dhtd").hasSuffix(":/var/lib/dhtd:/usr/sbin/nologin"))
        #expect(try machine.output("dhtd 8001 --check-config").contains("/etc/dhtd/dhtd.yaml"))
        for file in [
          "/usr/share/man/man8/dhtd.8.gz", "/usr/share/man/man1/dhtctl.1.gz",
          "/usr/share/man/man5/dhtd.yaml.5.gz", "/usr/lib/sysusers.d/dhtd.conf",
          "/usr/share/zsh/vendor-completions/_dhtd", "/usr/share/fish/vendor_completions.d/dhtctl.fish",
        ] { #expect(try machine.run("test -s \(file)").status == 0, "\(file)") }
        for program in ["dhtd", "dhtctl"] {
          try machine.output("bash -n /usr/share/bash-completion/completions/\(program)")
        }
        for page in ["dhtd", "dhtctl", "dhtd.yaml"] {
          let page = try machine.run("MANROFFSEQ= MANWIDTH=80 man --warnings --encoding UTF-8 \(page)")
          #expect(page.status == 0 && page.output.contains("NAME") && page.errors.isEmpty, "\(page)")
        }
      }
    }

    @Test("systemd accepts the units without a warning, and rates their exposure as low")
    func units() throws {
      try withContainer { machine in
        let verified = try machine.run(
          "systemd-analyze verify dhtd@8001.service dhtd@8001.socket dhtd.target")
        #expect(verified.status == 0 && verified.output.isEmpty && verified.errors.isEmpty, "\(verified)")
        let security = try machine.run("systemd-analyze security --threshold=15 dhtd@8001.service")
        #expect(security.status == 0, "\(security)")
      }
    }

    @Test("three nodes are one network as installed, and dhtctl works with each")
    func threeNodes() throws {
      try withContainer { machine in
        try machine.output("systemctl start dhtd@8001 dhtd@8002 dhtd@8003")
        for port in 8001...8003 {
          try eventually("two contacts of \(port)") {
            try machine.property("StatusText", of: "dhtd@\(port)").hasPrefix("Ready: 2 contacts")
          }
          let process = try machine.property("MainPID", of: "dhtd@\(port)")
          #expect(try machine.output("stat -c %U /proc/\(process)") == "dhtd")
        }
        #expect(try machine.output("dhtctl put hello world") == "Stored key 'hello' at 3 nodes")
        #expect(try machine.output("dhtctl -i 8003 get hello") == "world")
        #expect(try machine.output("dhtctl status").contains("127.0.0.1:8001"))
        try eventually("a key in the status") {
          try machine.property("StatusText", of: "dhtd@8002") == "Ready: 2 contacts, 1 key"
        }
        #expect(try machine.output("stat -c '%a %U %G' /run/dhtd/8001/control.sock") == "660 dhtd dhtd")
        #expect(try machine.output("stat -c '%a %U' /var/lib/dhtd/8001") == "700 dhtd")
        // The node that the configuration names finds the others by itself when it restarts.
        try machine.output("systemctl restart dhtd@8001")
        #expect(try machine.output("dhtctl get hello") == "world")
        try machine.output("systemctl stop dhtd.target")
        for port in 8001...8003 {
          #expect(try machine.property("ActiveState", of: "dhtd@\(port)") == "inactive")
          #expect(try machine.property("Result", of: "dhtd@\(port)") == "success")
        }
        #expect(try machine.output("ls /run/dhtd/*").contains("sock") == false)
      }
    }

    @Test("values survive a stop, a kill and a reboot, and a damaged store is reported")
    func durable() throws {
      try withContainer { machine in
        func values() throws -> [String] {
          try (1...20).map { try machine.output("dhtctl -i 8003 get key\($0)") }
        }
        let expected = (1...20).map { "value\($0)" }
        let units = "dhtd@8001 dhtd@8002 dhtd@8003"
        try machine.output("systemctl enable --now \(units)")
        for number in 1...20 {
          #expect(
            try machine.output("dhtctl put key\(number) value\(number)")
              == "Stored key 'key\(number)' at 3 nodes")
        }
        try machine.output("systemctl stop \(units) && systemctl start \(units)")
        #expect(try values() == expected)
        try machine.output("systemctl kill --signal SIGKILL \(units)")
        try eventually("all nodes after a kill", within: 30) {
          try machine.run("systemctl is-active -q \(units) && dhtctl -i 8003 get key1").output == "value1"
        }
        #expect(try values() == expected)
        try machine.reboot()
        try eventually("all nodes after a reboot", within: 30) {
          try machine.run("systemctl is-active --quiet \(units)").status == 0
        }
        #expect(try values() == expected)

        try machine.output("systemctl stop dhtd@8002 && truncate --size 9000 /var/lib/dhtd/8002/records.mdb")
        try machine.output("systemctl start dhtd@8002")
        let told = try machine.journal(of: "dhtd@8002", "MESSAGE_ID=5f0f6e3b0b6a4c0e9d7c2f4a8b1e6d35")
        #expect(told.count == 1 && told[0]["PRIORITY"] == "3", "\(told)")
        #expect(try machine.output("ls /var/lib/dhtd/8002").contains("records.damaged-"))
        #expect(try machine.output("dhtctl -i 8002 get key7") == "value7")
      }
    }

    @Test("members of the group can use dhtctl, and others get a hint")
    func group() throws {
      try withContainer { machine in
        try machine.output("useradd ann; useradd --groups dhtd bob; systemctl start dhtd@8001")
        let bob = try machine.run("setpriv --reuid bob --regid bob --init-groups dhtctl put k v")
        #expect(bob.output.hasPrefix("Stored key 'k' at 1 node"), "\(bob)")
        let ann = try machine.run("setpriv --reuid ann --regid ann --init-groups dhtctl get k")
        #expect(
          ann.isComplaint(status: 1, "group dhtd") || ann.isComplaint(status: 5, "group dhtd"), "\(ann)")
      }
    }

    @Test("the journal has each message with its fields, and they can be searched")
    func journal() throws {
      try withContainer { machine in
        try machine.write("log_level: trace", to: "/etc/dhtd/8001.yaml")
        try machine.output("systemctl start dhtd@8001 dhtd@8002")
        try machine.output("dhtctl put hello world")
        let id = try JSON(parsing: machine.output("dhtctl --json status").utf8)["node_id"]
        let target: JSON = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
        // What systemd itself says of the unit is among it, too.
        let messages = try machine.journal(of: "dhtd@8001", "SYSLOG_IDENTIFIER=dhtd")
        #expect(messages.count > 10)
        for message in messages {
          #expect(message["DHT_NODE_ID"] == id && message["PRIORITY"].string != nil)
          #expect(message["CODE_FILE"].string?.hasSuffix(".swift") == true)
          #expect(Int(message["CODE_LINE"].string ?? "") != nil)
          #expect(message["_TRANSPORT"] == "journal")
        }
        #expect(messages.contains { $0["MESSAGE_ID"] == "d6c3e53ffbd34a8693dc62ce37eca307" })
        #expect(
          messages.contains { $0["DHT_RPC"] == "put" && $0["DHT_TARGET"] == target && $0["DHT_PEER"] != nil })
        let found = try machine.journal(of: "dhtd@8001", "DHT_PEER=127.0.0.1:8002 DHT_RPC=put")
        #expect(!found.isEmpty && found.count < messages.count)
        #expect(try !machine.journal(of: "dhtd@8001", "DHT_TARGET=\(target.string ?? "")").isEmpty)
        // The catalog explains the events, of the level that is the default too.
        let explained = try machine.output("journalctl -x --unit dhtd@8002 --no-pager")
        #expect(explained.contains("A dhtd node is ready"))
        #expect(explained.contains("new contact"))
        #expect(!explained.contains("received a"))
      }
    }

    @Test("a node that is killed restarts by itself with its ID")
    func killed() throws {
      try withContainer { machine in
        try machine.output("systemctl start dhtd@8001 dhtd@8002")
        let (id, process) = try identity(machine, 8002)
        try machine.output("kill -KILL \(process)")
        try waitForRestart(machine, 8002, of: process)
        #expect(try identity(machine, 8002).id == id)
        #expect(try machine.property("NRestarts", of: "dhtd@8002") == "1")
        #expect(try machine.property("StatusText", of: "dhtd@8002").hasPrefix("Ready: 1 contact"))
      }
    }

    @Test("the watchdog restarts a node whose core hangs")
    func watchdog() throws {
      try withContainer { machine in
        try machine.output("systemctl start dhtd@8001")
        #expect(try machine.property("WatchdogUSec", of: "dhtd@8001") == "30s")
        // The same in less time.
        try machine.write(
          "[Service]\nWatchdogSec=2s", to: "/run/systemd/system/dhtd@.service.d/watchdog.conf")
        try machine.output("systemctl daemon-reload; systemctl restart dhtd@8001")
        let (id, process) = try identity(machine)
        try machine.output("kill -STOP \(process)")
        try waitForRestart(machine, of: process)
        #expect(try identity(machine).id == id)
        try machine.wait(for: "Watchdog timeout", inJournalOf: "dhtd@8001")
      }
    }

    private func identity(
      _ machine: Container, _ port: Int = 8001
    ) throws -> (id: JSON, process: String) {
      let status = try JSON(parsing: machine.output("dhtctl -i \(port) --json status").utf8)
      return (status["node_id"], try machine.property("MainPID", of: "dhtd@\(port)"))
    }

    private func waitForRestart(_ machine: Container, _ port: Int = 8001, of process: String) throws {
      try eventually("another process than \(process)", within: 40) {
        let state = try machine.property("ActiveState", of: "dhtd@\(port)")
        let current = try machine.property("MainPID", of: "dhtd@\(port)")
        return state == "active" && current != process && current != "0"
      }
    }

    @Test("a reload applies changeable settings, and an invalid file fails it and changes nothing")
    func reload() throws {
      try withContainer { machine in
        try machine.output("systemctl start dhtd@8001")
        let process = try machine.property("MainPID", of: "dhtd@8001")
        try machine.write("alpha: 5\nk: 9", to: "/etc/dhtd/8001.yaml")
        try machine.output("systemctl reload dhtd@8001")
        try machine.wait(for: "alpha is now 5", inJournalOf: "dhtd@8001")
        try machine.wait(for: "k cannot change", inJournalOf: "dhtd@8001")
        try machine.write("alpha: 6\nalhpa: 7", to: "/etc/dhtd/8001.yaml")
        #expect(try machine.run("systemctl reload dhtd@8001").status != 0)
        try machine.wait(for: "/etc/dhtd/8001.yaml:2: alhpa", inJournalOf: "dhtd@8001")
        let wrong = try machine.journal(of: "dhtd@8001", "--priority err SYSLOG_IDENTIFIER=dhtd")
        #expect(wrong.contains { $0["MESSAGE"].string?.contains("alhpa") == true })
        try machine.output("echo 'alpha: 7' >/etc/dhtd/8001.yaml; chmod 0600 /etc/dhtd/8001.yaml")
        #expect(try machine.run("systemctl reload dhtd@8001").status != 0)
        try machine.wait(for: "/etc/dhtd/8001.yaml: cannot be read", inJournalOf: "dhtd@8001")
        #expect(try machine.property("MainPID", of: "dhtd@8001") == process)
        #expect(try machine.output("dhtctl put still here").hasPrefix("Stored key 'still' at 1 node"))
        let messages = try machine.journal(of: "dhtd@8001")
        #expect(!messages.contains { $0["MESSAGE"].string?.contains("alpha is now 6") == true })
      }
    }

    @Test("a node with an invalid configuration is not restarted, and the journal says why")
    func wrongConfiguration() throws {
      try withContainer { machine in
        try machine.write("storage:\n  max_bytes: lots", to: "/etc/dhtd/8004.yaml")
        #expect(try machine.run("systemctl start dhtd@8004").status != 0)
        try machine.wait(for: "/etc/dhtd/8004.yaml:2: storage.max_bytes: 'lots'", inJournalOf: "dhtd@8004")
        #expect(try machine.property("ActiveState", of: "dhtd@8004") == "failed")
        #expect(try machine.property("NRestarts", of: "dhtd@8004") == "0")
        try machine.output("rm /etc/dhtd/8004.yaml; systemctl start dhtd@8004")
      }
    }

    @Test("a socket unit starts the node for its first client, and lets clients wait while it restarts")
    func socket() throws {
      try withContainer { machine in
        try machine.output("systemctl start dhtd@8001.socket")
        #expect(try machine.property("ActiveState", of: "dhtd@8001") == "inactive")
        // Other nodes that the instance has known may be silent.
        #expect(try machine.output("dhtctl put hello world").hasPrefix("Stored key 'hello' at 1 node"))
        #expect(try machine.property("ActiveState", of: "dhtd@8001") == "active")
        for _ in 0..<3 {
          try machine.output("systemctl restart --no-block dhtd@8001; dhtctl status")
          try machine.output("systemctl kill --signal KILL --kill-who main dhtd@8001; dhtctl status")
        }
        try machine.output("systemctl stop dhtd@8001.socket dhtd@8001; systemctl start dhtd@8001")
        #expect(try machine.output("dhtctl put without socket").hasPrefix("Stored key 'without' at 1 node"))
      }
    }

    @Test(
      "an enabled node starts at boot, keeps its ID over a reboot and an upgrade, and is removed by a purge")
    func life() throws {
      try withContainer { machine in
        try machine.output("systemctl enable --now dhtd@8001")
        let id = try identity(machine).id
        try machine.reboot()
        try eventually("the node") { try machine.property("ActiveState", of: "dhtd@8001") == "active" }
        #expect(try identity(machine).id == id)
        // The same package once more goes the way of an upgrade.
        let before = try identity(machine).process
        try machine.output("echo 'alpha: 4' >/etc/dhtd/8001.yaml; dpkg --install \(machine.package)")
        let after = try identity(machine)
        #expect(after.id == id && after.process != before)
        try machine.output("dpkg --remove dhtd")
        #expect(try machine.run("test -e /proc/\(after.process)").status != 0)
        #expect(try machine.run("test -s /var/lib/dhtd/8001/identity.key").status == 0)
        #expect(try machine.run("test -s /etc/dhtd/dhtd.yaml").status == 0)
        try machine.output("dpkg --purge dhtd")
        let names = ["dhtd", "dhtctl", "dhtd.*", "dhtd@*", "_dhtd"].map { "-name '\($0)'" }
        let left = "find / -xdev \\( \(names.joined(separator: " -o ")) \\) -not -path '/proc/*'"
        #expect(try machine.output(left) == "")
      }
    }
  }
}
