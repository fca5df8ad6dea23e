import ControlProtocol
import Testing

@testable import dhtctl

@Suite("The output for people")
struct RenderingTests {
  private func result(_ stored: Int64, of replicas: Int64, _ failures: [PutFailure] = []) -> PutResult {
    PutResult(target: "t", seq: 1, expires: 2, stored: stored, replicas: replicas, failures: failures)
  }

  @Test("a put says at how many nodes the key is stored")
  func puts() {
    let key = Array("hello".utf8)
    #expect(Rendering.put(key, result(3, of: 3)) == "Stored key 'hello' at 3 nodes\n")
    #expect(Rendering.put(key, result(1, of: 1)) == "Stored key 'hello' at 1 node\n")
    #expect(Rendering.put(key, result(5, of: 8)) == "Stored key 'hello' at 5 of 8 nodes\n")
    #expect(Rendering.delete(key, result(3, of: 3)) == "Deleted key 'hello' at 3 nodes\n")
  }

  @Test("a put says how many known nodes did not respond")
  func silentNodes() {
    let key = Array("hello".utf8)
    func text(silent: Int64, isWeak: Bool) -> String {
      Rendering.put(
        key,
        PutResult(target: "t", seq: 1, expires: 2, stored: 1, replicas: 1, silent: silent, isWeak: isWeak))
    }
    #expect(text(silent: 1, isWeak: true) == "Stored key 'hello' at 1 node; 1 known node did not respond\n")
    #expect(text(silent: 2, isWeak: false) == "Stored key 'hello' at 1 node; 2 known nodes did not respond\n")
    #expect(
      text(silent: 0, isWeak: true)
        == "Stored key 'hello' at 1 node; a majority of the nodes that should hold it has not confirmed\n")
  }

  @Test("a put that is not at all of its nodes says how many refused it and how many have not answered")
  func shortfalls() {
    let key = Array("hello".utf8)
    func text(_ stored: Int64, refused: Int64 = 0, pending: Int64 = 0) -> String {
      Rendering.put(
        key,
        PutResult(
          target: "t", seq: 1, expires: 2, stored: stored, replicas: 8, refused: refused, pending: pending))
    }
    #expect(text(6, refused: 1, pending: 1).hasSuffix("; 1 node refused it; 1 node has not answered yet\n"))
    #expect(
      text(4, refused: 2, pending: 2).hasSuffix("; 2 nodes refused it; 2 nodes have not answered yet\n"))
    // Others have stored it in their place.
    #expect(text(8, refused: 2, pending: 1) == "Stored key 'hello' at 8 nodes\n")
  }

  @Test("the deletion of a key that had no value says so")
  func deletions() {
    let key = Array("hello".utf8)
    func text(replaced: Int64?) -> String {
      Rendering.delete(
        key, PutResult(target: "t", seq: 1, replaced: replaced, expires: 2, stored: 3, replicas: 3))
    }
    #expect(text(replaced: 7) == "Deleted key 'hello' at 3 nodes\n")
    #expect(text(replaced: 0) == "Found no value of key 'hello'; stored its deletion at 3 nodes\n")
    // A daemon of version 0.5 does not tell.
    #expect(text(replaced: nil) == "Deleted key 'hello' at 3 nodes\n")
  }

  @Test("text from the network cannot control the terminal")
  func escapes() {
    let evil = "\u{1B}[2J\u{9B}31m\u{7}\n\u{202E}\u{7F}x"
    let shown = #"\x1b[2J\u{009b}31m\x07\n\u{202e}\x7fx"#
    #expect(TerminalText.escaped(evil) == shown)
    #expect(TerminalText.escaped([0x61, 0xFF, 0x1B]) == #"a\xff\x1b"#)
    #expect(Rendering.valueForTerminal(Array("a\tb\n\u{1B}".utf8)) == "a\tb\n\\x1b\n")

    let failures = [PutFailure(nodeID: nil, address: "a:1", reason: evil)]
    let error = ControlError(.quorumFailed, evil, put: result(1, of: 2, failures))
    #expect(Rendering.error(error) == "\(shown) (stored at 1 of 2; a:1: \(shown))")

    let peer = ControlPeer(nodeID: evil, address: evil, bucket: 1, rtt: 1, age: 1, lastSeen: 1, state: .good)
    let key = HeldKey(key: Array(evil.utf8), target: "t", seq: 1, expires: .min, size: 1)
    let step = LookupStep(hop: 0, nodeID: evil, address: evil, outcome: evil)
    var status = StatusResult()
    status.version = evil
    let texts = [
      Rendering.peers(PeersResult(peers: [peer])), Rendering.keys([key], now: .max), Rendering.status(status),
      Rendering.lookup(LookupResult(target: evil, closest: [], steps: [step])),
      Rendering.trace([step]),
      Rendering.ping(PingResult(nodeID: evil, address: evil, rtt: .infinity)),
      Rendering.bootstrap(BootstrapResult(nodes: [MetNode(nodeID: evil, address: evil)])),
      Rendering.shell(
        .get(GetParams(key: [1])), .get(GetResult(value: Array(evil.utf8), seq: 1, expires: 1, target: ""))),
      JSONText.line(KeysResult(keys: [key], cursor: evil)),
    ]
    for text in texts {
      #expect(text.hasSuffix("\n"))
      let controls = text.unicodeScalars.filter {
        $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value))
      }
      #expect(controls.isEmpty, "\(text)")
    }
  }

  @Test("the columns of a table are as wide as their widest cell")
  func tables() {
    var table = TextTable(("NAME", .left), ("N", .right), ("STATE", .left))
    table.append("a", "1", "ok")
    table.append("longer", "100", "x")
    #expect(table.text == "NAME      N  STATE\na         1  ok\nlonger  100  x\n")
  }

  @Test("the status page and the block of the shell")
  func status() {
    var status = StatusResult()
    status.nodeID = "abcd"
    status.address = "127.0.0.1:8001"
    status.addresses = ["127.0.0.1:8001", "[::1]:8001"]
    status.uptime = 7_385
    status.buckets = [BucketStatus(index: 0, nodes: 2), BucketStatus(index: 3, nodes: 1)]
    status.knownNodes = 3
    status.storedKeys = 7
    status.storedBytes = 700
    #expect(!Rendering.status(status).contains("Limits:"))
    status.requestsOverSourceLimit = 12
    status.answersWithheld = 3
    let page = Rendering.status(status)
    #expect(page.contains("Limits:          12 dropped of one source, 3 answers withheld\n"))
    #expect(page.contains("Node ID:         abcd\n"))
    #expect(page.contains("Uptime:          2h 3m\n"))
    #expect(page.contains("Known nodes:     3 in 2 buckets\n"))
    #expect(page.contains("Stored keys:     7 (700 bytes)\n"))
    #expect(
      Rendering.shellStatus(status) == """
        Node ID:           abcd
        Address:           127.0.0.1:8001, [::1]:8001
        Nodes by bucket:   0: 2, 3: 1
        Total known nodes: 3
        Stored keys:       7

        """)
  }

  @Test("the status shows sealing only in a private network, with the reasons of dropped datagrams")
  func sealing() {
    var status = StatusResult()
    #expect(!Rendering.status(status).contains("Private"))
    var sealing = SealingStatus(network: "ours")
    (sealing.keys, sealing.opened) = (1, 12)
    status.sealing = sealing
    #expect(
      Rendering.status(status).contains("Private network: ours, 1 key, 12 datagrams opened, 0 dropped\n"))
    (sealing.keys, sealing.notSealed, sealing.untimely) = (2, 3, 4)
    status.sealing = sealing
    #expect(
      Rendering.status(status).contains(
        "ours, 2 keys, 12 datagrams opened, 7 dropped (3 not sealed, 4 of clocks too far from ours)\n"))
  }

  @Test("a keyring is shown by its fingerprints")
  func keyring() {
    let keys = [
      KeyInRing(fingerprint: "0123456789ab", seals: true),
      KeyInRing(fingerprint: "ba9876543210", seals: false),
    ]
    #expect(
      Rendering.keyring(KeyringResult(network: "ours", keys: keys, path: "/etc/\u{1B}keys")) == """
        Network 'ours', keys from /etc/\\x1bkeys

        KEY           USE
        0123456789ab  seals and opens
        ba9876543210  opens

        """)
  }

  @Test("a key to add is the only line that is not a comment")
  func keyInput() throws {
    #expect(try KeyInput.key(in: Array("# ours\n\n abc= # May\r\n".utf8)) == "abc=")
    for text in ["", "# nothing", "abc=\ndef=\n"] {
      #expect(throws: Failure.self) { try KeyInput.key(in: Array(text.utf8)) }
    }
  }

  @Test("the status shows storage and maintenance")
  func storage() {
    var status = StatusResult()
    status.publishedKeys = 5
    status.cachedKeys = 2
    status.cachedBytes = 20 << 10
    status.storageUsed = 12 << 20
    status.storageLimit = 896 << 20
    status.durability = .disk
    status.replications = 12
    status.replicationsSkipped = 30
    status.republications = 4
    status.handOffs = 2
    status.replicasSent = 5
    status.recordsExpired = 3
    let page = Rendering.status(status)
    #expect(
      page.contains(
        """
        Stored keys:     0 (0 bytes)
        Published keys:  5
        Cached keys:     2 (20 KiB)
        Storage:         12 MiB of 896 MiB used, on disk
        Upkeep:          12 replicated, 30 skipped, 4 republished, 2 handed off, 5 copies sent, 3 expired
        Gets:            0 ok, 0 not found, 0 failed

        """), "\(page)")

    status.storedTombstones = 1
    status.recordsDamaged = 9
    status.storageLimit = 20 << 30
    status.durability = .memory
    let another = Rendering.status(status)
    #expect(another.contains("Stored keys:     0 (0 bytes)\nDeletions:       1\nPublished keys:"))
    #expect(another.contains("Storage:         12 MiB of 20 GiB used, in memory\n"))
    #expect(another.contains("\nDamaged:         9 records\n"))
  }

  private let steps = [
    LookupStep(
      hop: 1, nodeID: "ab", address: "a:1", rtt: 12, outcome: "answered",
      held: HeldVersion(seq: 7, expires: 9, deleted: false)),
    LookupStep(
      hop: 2, nodeID: "cd", address: "c:1", rtt: 0.5, outcome: "answered",
      held: HeldVersion(seq: 8, expires: 9, deleted: true)),
    LookupStep(hop: 2, nodeID: "ef", address: "e:1", outcome: "silent"),
  ]

  @Test("a lookup of a key shows what each node holds")
  func holders() {
    let closest = steps.dropLast().map { step in
      LookupNode(nodeID: step.nodeID, address: step.address, rtt: step.rtt, held: step.held)
    }
    let result = LookupResult(
      target: "t", closest: closest + [LookupNode(nodeID: "ef", address: "e:1")], steps: steps)
    #expect(
      Rendering.lookup(result, ofKey: true) == """
        Closest to t:
        NODE ID  ADDRESS      RTT  HOLDS
        ab       a:1      12.0 ms  seq 7
        cd       c:1      0.50 ms  deleted, seq 8
        ef       e:1            -  -

        Steps:
        HOP  NODE ID  ADDRESS      RTT  OUTCOME   HOLDS
          1  ab       a:1      12.0 ms  answered  seq 7
          2  cd       c:1      0.50 ms  answered  deleted, seq 8
          2  ef       e:1            -  silent    -

        """)
    // The answer contains held versions for a target, so they are shown.
    #expect(Rendering.lookup(result) == Rendering.lookup(result, ofKey: true))
  }

  @Test("a lookup of a key shows that no node holds it, and a lookup of a target does not")
  func noHolders() {
    let result = LookupResult(
      target: "t", closest: [LookupNode(nodeID: "ab", address: "a:1", rtt: 12)],
      steps: [LookupStep(hop: 1, nodeID: "ab", address: "a:1", rtt: 12, outcome: "answered")])
    #expect(
      Rendering.lookup(result) == """
        Closest to t:
        NODE ID  ADDRESS      RTT
        ab       a:1      12.0 ms

        Steps:
        HOP  NODE ID  ADDRESS      RTT  OUTCOME
          1  ab       a:1      12.0 ms  answered

        """)
    #expect(Rendering.lookup(result, ofKey: true).contains("ab       a:1      12.0 ms  -\n"))
    let nobody = LookupResult(target: "t", closest: [], steps: [])
    #expect(Rendering.lookup(nobody, ofKey: true) == "Closest to t:\nnone\n\nSteps:\nnone\n")
  }

  @Test("the trace of a get has its steps, or the reason why there are none")
  func traces() {
    #expect(
      Rendering.trace(steps) == """
        Steps:
        HOP  NODE ID  ADDRESS      RTT  OUTCOME   HOLDS
          1  ab       a:1      12.0 ms  answered  seq 7
          2  cd       c:1      0.50 ms  answered  deleted, seq 8
          2  ef       e:1            -  silent    -

        """)
    #expect(Rendering.trace([]) == "Steps:\nnone\n")
    #expect(Rendering.trace([], age: 75) == "Steps:\nnone: the value is a copy fetched 1m 15s ago\n")
  }

  @Test("the steps of a get that failed are part of the error in JSON, and not of its line")
  func failedTrace() {
    let error = ControlError(.notFound, "the network holds no value for this key", steps: steps)
    let failure = Failure(error)
    #expect(failure.status == .notFound)
    #expect(failure.message == "the network holds no value for this key")
    let line = JSONText.line(failure)
    #expect(line.hasPrefix(#"{"code":1,"data":{"reason":"not_found","steps":[{"address":"a:1","held":{"#))
    #expect(line.contains(#""held":{"deleted":true,"expires":9,"seq":8}"#))
    #expect(line.hasSuffix("}\n"))
    #expect(line.split(separator: "\n").count == 1)
  }

  @Test("a conflict ends with 4, and shows the seq of the current version if it is known")
  func conflicts() {
    let known = Failure(
      ControlError(.conflict, "the key is at seq 12 now; read it and try again with that", seq: 12))
    #expect(known.status == .conflict)
    #expect(known.status.rawValue == 4)
    #expect(known.message.contains("seq 12"))
    #expect(
      JSONText.line(known)
        == #"{"code":3,"data":{"reason":"conflict","seq":12},"message":"\#(known.message)"}"# + "\n")

    let unknown = Failure(ControlError(.conflict, "the key was changed meanwhile"))
    #expect(unknown.status == .conflict)
    #expect(JSONText.line(unknown).contains(#""data":{"reason":"conflict"},"#))
  }

  @Test(
    "lengths of time are read",
    arguments: [
      ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200), ("7d", 604_800), ("1w", 604_800), ("0", 0),
    ]
      as [(String, Int64)])
  func reads(_ text: String, _ seconds: Int64) { #expect(TimeSpan.seconds(text) == seconds) }

  @Test(
    "invalid lengths of time are rejected",
    arguments: [
      "", "s", "-1", "+1", "1.5h", "2 h", "2H", "2hh", "٣", "9223372036854775808", "9223372036854775807d",
    ])
  func refuses(_ text: String) { #expect(TimeSpan.seconds(text) == nil) }

  @Test("lengths of time are written")
  func writes() {
    #expect(TimeSpan.text(0) == "0s")
    #expect(TimeSpan.text(-5) == "0s")
    #expect(TimeSpan.text(45) == "45s")
    #expect(TimeSpan.text(7_385) == "2h 3m")
    #expect(TimeSpan.text(86_400) == "1d")
    #expect(TimeSpan.text(86_700) == "1d")
    #expect(TimeSpan.text(.max) == "106751991167300d 15h")
    #expect(TimeSpan.milliseconds(nil) == "-")
    #expect(TimeSpan.milliseconds(.nan) == "-")
    #expect(TimeSpan.milliseconds(0.314) == "0.31 ms")
    #expect(TimeSpan.milliseconds(12.04) == "12.0 ms")
    #expect(TimeSpan.milliseconds(250.4) == "250 ms")
  }

  @Test("a usage error is one line that says where to look")
  func usage() {
    let commands = ["get", "put"]
    #expect(
      UsageMessage.text("Unexpected argument 'foo'", arguments: ["-i", "8001", "foo"], commands: commands)
        == "unknown command 'foo'; see 'dhtctl --help'")
    #expect(
      UsageMessage.text("Unexpected argument 'b'", arguments: ["get", "a", "b"], commands: commands)
        == "unexpected argument 'b'; see 'dhtctl get --help'")
    #expect(
      UsageMessage.text("Missing\n  thing.", arguments: ["put"], commands: commands)
        == "missing   thing; see 'dhtctl put --help'")
  }
}
