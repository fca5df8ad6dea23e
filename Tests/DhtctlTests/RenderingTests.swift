import ControlProtocol
import Testing

@testable import dhtctl

@Suite("What a person reads")
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

  @Test("nothing that came from the network sends the terminal a command")
  func escapes() {
    let evil = "\u{1B}[2J\u{9B}31m\u{7}\n\u{202E}\u{7F}x"
    let shown = #"\x1b[2J\u{009b}31m\x07\n\u{202e}\x7fx"#
    #expect(TerminalText.escaped(evil) == shown)
    #expect(TerminalText.escaped([0x61, 0xFF, 0x1B]) == #"a\xff\x1b"#)
    #expect(Rendering.valueForTerminal(Array("a\tb\n\u{1B}".utf8)) == "a\tb\n\\x1b\n")

    let failures = [PutFailure(nodeID: nil, address: "a:1", reason: evil)]
    let error = ControlError(.quorumFailed, evil, put: result(1, of: 2, failures))
    #expect(Rendering.error(error) == "\(shown) (stored at 1 of 2; a:1: \(shown))")

    let peer = Peer(nodeID: evil, address: evil, bucket: 1, rtt: 1, age: 1, lastSeen: 1, state: .good)
    let key = HeldKey(key: Array(evil.utf8), target: "t", seq: 1, expires: .min, size: 1)
    let step = LookupStep(hop: 0, nodeID: evil, address: evil, outcome: evil)
    var status = StatusResult()
    status.version = evil
    let texts = [
      Rendering.peers(PeersResult(peers: [peer])), Rendering.keys([key], now: .max), Rendering.status(status),
      Rendering.lookup(LookupResult(target: evil, closest: [], steps: [step])),
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
    var table = Table(("NAME", .left), ("N", .right), ("STATE", .left))
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
    let page = Rendering.status(status)
    #expect(page.contains("Node ID:         abcd\n"))
    #expect(page.contains("Uptime:          2h 3m\n"))
    #expect(page.contains("Known nodes:     3 in 2 buckets\n"))
    #expect(
      Rendering.shellStatus(status) == """
        Node ID:           abcd
        Address:           127.0.0.1:8001, [::1]:8001
        Nodes by bucket:   0: 2, 3: 1
        Total known nodes: 3
        Stored keys:       7

        """)
  }

  @Test(
    "lengths of time are read",
    arguments: [
      ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200), ("7d", 604_800), ("1w", 604_800), ("0", 0),
    ]
      as [(String, Int64)])
  func reads(_ text: String, _ seconds: Int64) { #expect(TimeSpan.seconds(text) == seconds) }

  @Test(
    "what is no length of time is not",
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
