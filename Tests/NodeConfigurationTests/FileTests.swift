import ControlProtocol
import Kademlia
import NodeConfiguration
import Testing

@Suite("Valid and invalid configuration files") struct FileTests {
  @Test("a file sets its keys, and leaves the defaults of the others")
  func values() throws {
    let yaml = """
      bind: [127.0.0.1, "::1"]
      bootstrap:
        - localhost:8001
        - "[2001:db8::7]:8001"
      state_dir: /srv/dhtd
      log_level: debug
      k: 20
      rpc_timeout: 2s
      soft_timeout_floor: 5ms
      ttl: 2h
      storage:
        max_bytes: 1GiB
      limits: {operations: 7}
      """
    let configuration = try Files(["dhtd.yaml": yaml]).load().configuration
    #expect(configuration.bind == [.address("127.0.0.1"), .address("::1")])
    #expect(configuration.bootstrap.map(\.description) == ["localhost:8001", "[2001:db8::7]:8001"])
    #expect(configuration.stateDirectory == "/srv/dhtd")
    #expect(configuration.logLevel == .debug)
    #expect(configuration.parameters.k == 20)
    #expect(configuration.parameters.alpha == 3)
    #expect(configuration.parameters.rpcTimeout == .seconds(2))
    #expect(configuration.parameters.softTimeoutFloor == .milliseconds(5))
    #expect(configuration.parameters.defaultTTL == 7200)
    #expect(configuration.storageBytes == 1 << 30)
    #expect(configuration.parameters.activeOperations == 7)
  }

  @Test(
    "an empty file, and one of comments, set nothing",
    arguments: ["", "\n", "# nothing\n", "---\n", "{}", "---\n# nothing\n...\n"])
  func empty(yaml: String) throws {
    let loaded = try Files(["dhtd.yaml": yaml]).load()
    for setting in Setting.all { #expect(loaded.origin(of: setting) == .builtIn) }
  }

  /// A wrong value for each key, and the word that says so.
  private static let wrongValues: [(key: String, value: String)] = [
    ("bind", "localhost"), ("bind", "[127.0.0.1, 127.0.0.2]"), ("bind", "[loopback, \"::\"]"), ("bind", "[]"),
    ("bind", "300.1.1.1"), ("bind", "[[127.0.0.1]]"), ("bootstrap", "localhost"), ("bootstrap", "a:0"),
    ("bootstrap", "a:65536"), ("bootstrap", "[a:1, '']"), ("bootstrap", "{a: 1}"), ("state_dir", "here"),
    ("state_dir", "''"), ("state_dir", "[/a, /b]"), ("control_socket", "dhtd.sock"),
    ("control_socket", "/" + String(repeating: "x", count: 99)), ("bind", "fe80::1%lo"),
    ("sybil.addresses", "private"), ("sybil.contacts_per_bucket", "0"), ("sybil.contacts_per_table", "0"),
    ("sybil.disjoint_paths", "0"), ("sybil.disjoint_paths", "999"), ("sybil.large_network", "-1"),
    ("identity", "maybe"), ("network.id", "random"), ("network.id", "bep42"), ("network.address", "here"),
    ("network.name", "''"), ("network.name", "two words"), ("network.name", "näme"), ("network.name", "a/b"),
    ("network.name", String(repeating: "n", count: 65)), ("network.keys", "network.keys"),
    ("network.sessions", "63"), ("network.keys", "''"), ("network.keys", "[/a, /b]"),
    ("log_level", "loud"), ("log_level", "7"), ("log_target", "syslog"), ("k", "1"), ("k", "21"),
    ("k", "8.0"), ("k", "eight"), ("k", "-8"), ("k", "+8"), ("k", "010"), ("k", "0x8"), ("k", "1_0"),
    ("k", "9223372036854775808"), ("alpha", "0"), ("alpha", "17"), ("rpc_timeout", "99ms"),
    ("rpc_timeout", "61s"), ("rpc_timeout", "5 s"), ("rpc_timeout", "-5s"), ("rpc_timeout", "5x"),
    ("soft_timeout_floor", "0ms"), ("soft_timeout_floor", "2s"), ("soft_timeout_unknown", "9ms"),
    ("soft_timeout_unknown", "6s"), ("join_timeout", "21s"), ("bootstrap_back_off", "31s"),
    ("bootstrap_back_off", "99ms"),
    ("probe_interval", "0s"), ("liveness_interval", "2h"), ("liveness_interval_in_doubt", "0s"),
    ("liveness_interval_in_doubt", "31s"), ("failures_before_removal", "0"),
    ("failures_before_removal", "101"), ("lost_contacts", "4097"), ("lost_contacts", "true"),
    ("refresh_interval", "59s"), ("ttl", "0s"), ("ttl", "31d"), ("ttl", "1500ms"),
    ("max_ttl", "59s"), ("max_ttl", "1h"), ("clock_skew", "25h"), ("write_token_age", "59s"),
    ("repair_interval", "0s"), ("replicate_interval", "999ms"),
    ("republish_interval", "31d"), ("expiry_interval", "999ms"),
    ("limits.operations", "0"), ("limits.waiting_operations", "-1"), ("limits.queries", "63"),
    ("limits.verifications", "0"), ("limits.renewals", "0"), ("limits.pending_writes", "63"),
    ("limits.keys_per_source", "-1"), ("limits.cached_keys", "x"), ("limits.cache_bytes", "2GiB"),
    ("limits.bootstrap_addresses", "1025"), ("control_mode", "660"), ("control_mode", "0888"),
    ("control_mode", "rw"), ("control_mode", "01660"), ("control_group", "''"), ("control_group", "a:b"),
    ("log_writes", "some"), ("limits.clients", "0"), ("limits.client_requests", "4097"),
    ("limits.all_requests", "0"), ("limits.name_lookups", "0"), ("limits.requests_per_source", "0"),
    ("limits.bytes_per_source", "1KiB"), ("limits.stores_per_source", "0"), ("limits.requests", "1"),
    ("limits.bytes", "4KiB"), ("limits.unproven_bytes", "1"), ("limits.sources", "63"),
    ("limits.loopback", "yes"),
    ("storage.durability", "tape"), ("storage.max_bytes", "1MB"),
    ("storage.max_bytes", "1023KiB"), ("storage.max_bytes", "9223372036854775807TiB"),
    ("storage.max_bytes", "full"),
  ]

  @Test("an invalid value is reported with its file, line and key", arguments: wrongValues)
  func wrongValue(key: String, value: String) throws {
    let complaints = try complaints("# a comment first\n\(Self.yaml(key, value))")
    #expect(complaints.count == 1, "\(complaints)")
    let line = key.contains(".") ? 3 : 2
    #expect(complaints.first?.hasPrefix("dhtd.yaml:\(line): \(key): ") == true, "\(complaints)")
  }

  @Test("every key has an invalid value in this test")
  func allKeys() {
    #expect(Set(Self.wrongValues.map(\.key)) == Set(Setting.all.map(\.name)))
  }

  @Test(
    "nothing, a section or a list is no value of any key that takes one", arguments: Setting.all.map(\.name))
  func wrongShapes(key: String) throws {
    let isList = try setting(key).isList
    for value in ["", "~", "null", "{a: b}"] + (isList ? ["[~]", "[{a: b}]"] : ["[1]"]) {
      let complaints = try complaints(Self.yaml(key, value))
      #expect(complaints.count == 1, "\(value): \(complaints)")
      #expect(complaints.first?.contains(": \(key): ") == true, "\(value): \(complaints)")
    }
  }

  private static func yaml(_ key: String, _ value: String) -> String {
    let parts = key.split(separator: ".")
    return parts.count == 1 ? "\(key): \(value)" : "\(parts[0]):\n  \(parts[1]): \(value)"
  }

  @Test("all problems are reported at once, each with its line")
  func allAtOnce() throws {
    let complaints = try complaints(
      """
      alpha: 0
      alhpa: 3
      bootstrap:
        - a:1
        - b
      storage: 5
      limits:
        operations: x
        nothing: 1
      """)
    let places = [
      "dhtd.yaml:1: alpha: ", "dhtd.yaml:2: alhpa: ", "dhtd.yaml:5: bootstrap: ", "dhtd.yaml:6: storage: ",
      "dhtd.yaml:8: limits.operations: ", "dhtd.yaml:9: limits.nothing: ",
    ]
    #expect(complaints.count == places.count, "\(complaints)")
    for (complaint, place) in zip(complaints, places) { #expect(complaint.hasPrefix(place)) }
  }

  @Test(
    "an unknown key is reported with a similar one, if there is any",
    arguments: [
      ("alhpa", "'alpha'"), ("log-level", "'log_level'"), ("rpc_timeut", "'rpc_timeout'"),
      ("port", "dhtd.yaml(5)"), ("limits.operation", "'limits.operations'"),
    ])
  func similar(key: String, hint: String) throws {
    let complaints = try complaints("\(key): 1")
    #expect(complaints.count == 1 && complaints[0].contains(hint), "\(complaints)")
  }

  @Test("a duplicate key is refused, also in a section and with a dot")
  func twice() throws {
    for yaml in [
      "alpha: 3\nalpha: 4", "limits: {queries: 64, queries: 65}",
      "limits:\n  queries: 64\nlimits.queries: 65",
    ] {
      let complaints = try complaints(yaml)
      #expect(complaints.count == 1, "\(yaml): \(complaints)")
    }
  }

  @Test("conflicting values are reported at the one that was set")
  func conflicts() throws {
    #expect(try complaints("max_ttl: 1h") == ["dhtd.yaml:1: max_ttl: ttl must not exceed max_ttl"])
    #expect(try complaints("ttl: 30m\nmax_ttl: 1h").isEmpty)
    // A value that is wrong by itself is not also held against its neighbour.
    #expect(try complaints("ttl: never\nmax_ttl: 1h").count == 1)
  }

  @Test(
    "invalid YAML, or another node than a mapping, is reported with its line",
    arguments: [
      ("a: [1", 2), ("a: b: c", 1), ("\tk: 8", 1), ("k: 8\n  alpha: 3", 2), ("- k", 1), ("just words", 1),
      ("k: 8\n---\nk: 8", 2), ("? [a]\n: 1", 1), ("k: *nowhere", 1), ("k: \"", 2),
      ("%YAML 3.0\n---\nk: 8", 1),
    ])
  func notYAML(yaml: String, line: Int) throws {
    let complaints = try complaints(yaml)
    #expect(complaints.count == 1, "\(complaints)")
    let places = ["dhtd.yaml:\(line): ", "dhtd.yaml:\(line - 1): "]
    #expect(places.contains { complaints.first?.hasPrefix($0) == true }, "\(complaints)")
  }

  /// Faults that the YAML reader finds, with the lines and words that people see.
  private static let yamlFaults: [(yaml: String, complaint: String)] = [
    ("k: 8\nk: 9", "1: duplicate key 'k'"),
    ("ttl: 1h\nk: 8\nalpha: 3\nz: 1\nalpha: 4\nk: 9", "3: duplicate keys 'alpha', 'k'"),
    ("limits:\n  queries: 64\n  'queries': 65", "2: duplicate key 'queries'"),
    ("\"k\\e\": 1\n\"k\\e\": 2", "1: duplicate key 'k\\x1b'"),
    ("k: {a: 1, a: 2}\nfoo\nbar: [", "1: duplicate key 'a'"),
    (
      "\tk: 8",
      "1: this is not YAML: found character that cannot start any token while scanning for the next token"
    ),
    (
      "k: 8\n\talpha: 3",
      "2: this is not YAML: found a tab character that violates indentation while scanning a plain scalar"
    ),
    (
      "k: |\n\ta",
      "2: this is not YAML: found a tab character where an indentation space is expected while scanning a block scalar"
    ),
    ("k: 8\nalpha: *a", "2: this is not YAML: found undefined alias"),
    ("k: &a [*a]", "1: this is not YAML: found undefined alias"),
    ("k: &a 99\nalpha: *a", "1: k: '99' is not a number from 2 to 20"),
    (
      "k: 8\n---\nk: 8",
      "2: this is not YAML: but found another document expected a single document in the stream"
    ),
    ("k: 8\n...\nalpha: 3", "3: this is not YAML: did not find expected <document start>"),
    (
      "k: \"8\n\n\nalpha: 3\n",
      "5: this is not YAML: found unexpected end of stream while scanning a quoted scalar"
    ),
    ("k: \"8\" 9", "1: this is not YAML: did not find expected key while parsing a block mapping"),
    (
      "k: \"\\ud800\"",
      "1: this is not YAML: found invalid Unicode character escape code while parsing a quoted scalar"
    ),
    ("k: 8\r\nalpha: 3\r\n\u{7}", "3: this is not YAML: control characters are not allowed"),
    ("k: 8\u{2028}\u{2028}alpha: \u{2}", "3: this is not YAML: control characters are not allowed"),
    (
      "k: 8\nalpha 3\nttl: 3h", "3: this is not YAML: could not find expected ':' while scanning a simple key"
    ),
    ("k: 8\n  alpha: 3", "2: this is not YAML: mapping values are not allowed in this context"),
    (
      "bind: [127.0.0.1\nk: 8",
      "2: this is not YAML: did not find expected ',' or ']' while parsing a flow sequence"
    ),
    ("%YAML 3.0\n---\nk: 8", "1: this is not YAML: found incompatible YAML document"),
    ("? [a]\n: 1", "1: a key must be a word"), ("{a: b}: 1", "1: a key must be a word"),
    ("~", "1: expected 'key: value' lines; see dhtd.yaml(5)"),
    ("- k", "1: expected 'key: value' lines; see dhtd.yaml(5)"),
    ("k: ~", "1: k: an empty value is not a number from 2 to 20"),
    ("k: null", "1: k: an empty value is not a number from 2 to 20"),
    ("k:", "1: k: an empty value is not a number from 2 to 20"),
    ("k: '~'", "1: k: '~' is not a number from 2 to 20"),
    ("k: ''", "1: k: '' is not a number from 2 to 20"),
    ("k: NULL", "1: k: 'NULL' is not a number from 2 to 20"),
    ("limits: ~", "1: limits: an empty value is not a section; indent the keys below it"),
    ("\u{FEFF}k: 99", "1: k: '99' is not a number from 2 to 20"),
    (String(repeating: "[", count: 10_000), "1: this is not YAML: nested more than 1000 levels deep"),
  ]

  @Test("a YAML error is reported in libyaml's words, with its line", arguments: yamlFaults)
  func faults(yaml: String, complaint: String) throws {
    #expect(try complaints(yaml).first == "dhtd.yaml:\(complaint)")
  }

  @Test("a value may be an alias")
  func aliases() throws {
    let yaml = "limits: {queries: &limit 128, clients: *limit}"
    let configuration = try Files(["dhtd.yaml": yaml]).load().configuration
    #expect(configuration.parameters.inflightQueries == 128)
    #expect(configuration.clients == 128)
  }

  @Test("binary and huge files are refused without a crash")
  func hostile() throws {
    let files = try Files()
    for bytes in [
      [0xFF, 0xFE, 0x6B, 0x00], Array("k: \0".utf8), [UInt8](repeating: UInt8(ascii: "["), count: 100_000),
      Array(String(repeating: "- ", count: 50_000).utf8), Array(String(repeating: "? ", count: 50_000).utf8),
      [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20 + 1),
      Array(String(repeating: "{a: ", count: 20_000).utf8),
    ] {
      try files.write(bytes: bytes, to: "dhtd.yaml")
      #expect(files.complaints().count == 1)
    }
  }

  @Test("a byte order mark before the text is ignored")
  func byteOrderMark() throws {
    let files = try Files()
    try files.write(bytes: [0xEF, 0xBB, 0xBF] + Array("alpha: 4".utf8), to: "dhtd.yaml")
    #expect(try files.load().configuration.parameters.alpha == 4)
  }

  @Test("for a file of another kind, not every line is reported")
  func manyProblems() throws {
    let lines = (0..<20_000).map { "a\($0): \($0)" }.joined(separator: "\n")
    let complaints = try complaints(lines)
    #expect(complaints.count == 101 && complaints.last?.contains("19900 more") == true)
  }

  @Test("too many bootstrap nodes are refused")
  func manyBootstrapNodes() throws {
    let nodes = { (count: Int) in "bootstrap: [\((0..<count).map { "n\($0):1" }.joined(separator: ", "))]" }
    #expect(try complaints(nodes(128)).isEmpty)
    #expect(try complaints(nodes(129)).count == 1)
  }

  @Test("a key without its section is reported with the section")
  func keyWithoutSection() throws {
    #expect(try complaints("operations: 5").first?.contains("'limits.operations'") == true)
  }

  @Test("text that would move a terminal's cursor is escaped")
  func escapes() throws {
    let complaints = try complaints("\"k\\e[2J\": 1\nalpha: \"\\e[2J\"")
    #expect(complaints.count == 2)
    for complaint in complaints { #expect(!complaint.unicodeScalars.contains("\u{1B}")) }
  }

  @Test("a missing or unreadable named file is reported with its path")
  func unreadable() throws {
    let files = try Files()
    #expect(files.complaints() == ["dhtd.yaml: cannot be read: there is no such file"])
    let directory = ConfigurationSources(
      instance: .init(port: 8001), file: files.directory, environment: [:], options: [])
    #expect(throws: InvalidConfiguration.self) { try directory.load() }
  }
}
