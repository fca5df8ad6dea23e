import ControlProtocol
import Kademlia
import NodeConfiguration
import Testing

@Suite("The sources of values") struct SourcesTests {
  @Test("an option overrides the environment, which overrides PORT.yaml, which overrides dhtd.yaml")
  func order() throws {
    let files = try Files(["dhtd.yaml": "k: 2\nalpha: 1\nlost_contacts: 1\nfailures_before_removal: 1"])
    try files.write("alpha: 2\nlost_contacts: 2\nfailures_before_removal: 2", to: "8001.yaml")
    let environment = ["DHTD_LOST_CONTACTS": "3", "DHTD_FAILURES_BEFORE_REMOVAL": "3"]
    let loaded = try files.load(
      environment: environment, .init("failures_before_removal", ["4"], option: "--set"))
    let numbers = loaded.configuration.parameters
    #expect([numbers.k, numbers.alpha, numbers.lostContacts, numbers.failuresBeforeRemoval] == [2, 2, 3, 4])
    #expect(loaded.origin(of: try setting("k")) == .file(files.path("dhtd.yaml"), line: 1))
    #expect(loaded.origin(of: try setting("alpha")) == .file(files.path("8001.yaml"), line: 1))
    #expect(loaded.origin(of: try setting("lost_contacts")) == .variable("DHTD_LOST_CONTACTS"))
    #expect(loaded.origin(of: try setting("failures_before_removal")) == .option("--set"))
    #expect(loaded.origin(of: try setting("ttl")) == .builtIn)
    #expect(loaded.files == [files.path("dhtd.yaml"), files.path("8001.yaml")])
  }

  @Test("the file of another instance is not read")
  func otherInstance() throws {
    let files = try Files(["dhtd.yaml": "alpha: 1", "8002.yaml": "alpha: 2"])
    #expect(try files.load(port: 8001).configuration.parameters.alpha == 1)
    #expect(try files.load(port: 8002).configuration.parameters.alpha == 2)
  }

  @Test("a list replaces the list of a lower source")
  func lists() throws {
    let files = try Files(["dhtd.yaml": "bootstrap: [a:1, b:2]", "8001.yaml": "bootstrap: [c:3]"])
    #expect(try files.load().configuration.bootstrap.map(\.host) == ["c"])
    let environment = ["DHTD_BOOTSTRAP": "d:4, e:5 f:6"]
    #expect(try files.load(environment: environment).configuration.bootstrap.map(\.host) == ["d", "e", "f"])
    #expect(try files.load(.init("bootstrap", [], option: "--set")).configuration.bootstrap.isEmpty)
    try files.write("bootstrap: []", to: "8001.yaml")
    #expect(try files.load().configuration.bootstrap.isEmpty)
  }

  @Test("every key can be set by a variable", arguments: Setting.all.map(\.name))
  func variables(name: String) throws {
    let setting = try setting(name)
    let files = try Files(["dhtd.yaml": ""])
    #expect(
      files.complaints(environment: [setting.variable: "no value of anything"]).count == setting.wrongWords)
    // No bootstrap nodes is something that can be wanted.
    #expect(files.complaints(environment: [setting.variable: ""]).count == (name == "bootstrap" ? 0 : 1))
  }

  @Test("a file named by the environment replaces dhtd.yaml, and an option overrides it")
  func fileByVariable() throws {
    let files = try Files(["other.yaml": "alpha: 5", "8001.yaml": "k: 9", "dhtd.yaml": "alpha: 6"])
    let environment = ["DHTD_CONFIG": files.path("other.yaml")]
    let named = ConfigurationSources(
      instance: .init(port: 8001), file: nil, environment: environment, options: [])
    #expect(try named.load().configuration.parameters.alpha == 5)
    #expect(try named.load().configuration.parameters.k == 9)
    #expect(try files.load(environment: environment).configuration.parameters.alpha == 6)
  }

  @Test("an unknown variable causes a warning and no error")
  func unknownVariable() throws {
    let files = try Files(["dhtd.yaml": ""])
    let loaded = try files.load(environment: [
      "DHTD_ALHPA": "3", "DHTD_PORT": "tcp://10.0.0.1:80", "HOME": "/",
    ])
    #expect(loaded.warnings.count == 2)
    #expect(loaded.warnings.contains { $0.contains("DHTD_ALHPA") && $0.contains("DHTD_ALPHA") })
    #expect(loaded.warnings.contains { $0.contains("DHTD_PORT") })
  }

  @Test("an option with an unknown key or an invalid value is reported as it was written")
  func wrongOptions() throws {
    let files = try Files(["dhtd.yaml": ""])
    let complaints = files.complaints(
      .init("alhpa", ["3"], option: "--set alhpa"), .init("bind", ["here"], option: "--bind"))
    #expect(complaints.count == 2)
    #expect(complaints.contains { $0.hasPrefix("--set alhpa: ") && $0.contains("'alpha'") })
    #expect(complaints.contains { $0.hasPrefix("--bind: 'here' ") })
  }

  @Test("the output of --print-config reads back as the same configuration")
  func printed() throws {
    let yaml = """
      bind: ["::", 0.0.0.0]
      bootstrap: ["[::1]:8002", localhost:8001]
      state_dir: "/srv/a b\\"c\\\\d#e: f"
      control_socket: /run/x.sock
      rpc_timeout: 1500ms
      soft_timeout_unknown: 999ms
      storage: {max_bytes: 1234567}
      limits: {waiting_operations: 0}
      """
    let loaded = try Files(["dhtd.yaml": yaml]).load()
    let printed = loaded.yaml(stateDirectory: "/unused", controlSocket: "/unused")
    let again = try Files(["dhtd.yaml": printed]).load()
    for setting in Setting.all {
      #expect(setting.values(in: again.configuration) == setting.values(in: loaded.configuration))
    }
    #expect(printed.contains("# \(loaded.origin(of: try setting("rpc_timeout")))"))
    #expect(printed.contains("alpha: 3  # default\n"))
  }

  @Test("the default paths of an instance are printed")
  func printedPlaces() throws {
    let loaded = try Files(["dhtd.yaml": ""]).load()
    let printed = loaded.yaml(stateDirectory: "/var/lib/dhtd/8001", controlSocket: "/run/s")
    #expect(printed.contains("state_dir: /var/lib/dhtd/8001  # default\n"))
    #expect(printed.contains("control_socket: /run/s  # default\n"))
  }
}

extension Setting {
  /// The number of words of "no value of anything" that are reported.
  fileprivate var wrongWords: Int { isList ? 4 : 1 }
}
