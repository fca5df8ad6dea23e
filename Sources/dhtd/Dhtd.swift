import ArgumentParser
import ControlProtocol
import Glibc
import NodeConfiguration
import NodeRuntime
import Sealing

/// The daemon's command line.
@main
struct Dhtd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtd",
    abstract: "Runs a node of a Kademlia network: a peer-to-peer key-value store.",
    discussion: """
      The first node of a network needs no bootstrap address; each further one joins through any \
      node that runs:

        dhtd 8001
        dhtd 8002 localhost:8001

      Settings come from /etc/dhtd/dhtd.yaml and /etc/dhtd/PORT.yaml, the environment (DHTD_*) and \
      these options, the later over the earlier; see dhtd.yaml(5). SIGHUP reloads them, or \
      stops a node whose terminal is gone.

      Use 'dhtctl' to store and read values. Exit status: 0 stopped as asked, 1 failed, 2 usage or \
      wrong configuration.
      """,
    version: "dhtd \(ProjectVersion.current)")

  @Argument(
    help: ArgumentHelp("The UDP port, which also names this instance. (default: 8001)"),
    transform: { text in
      guard let instance = Instance(text) else {
        throw ValidationError("'\(text)' is not a port; a port is a number from 1 to 65535")
      }
      return instance.port
    })
  var port: UInt16 = 8001

  @Argument(help: ArgumentHelp("Nodes to join through, as with --bootstrap.", valueName: "bootstrap"))
  var addresses: [String] = []

  @Option(
    help: ArgumentHelp(
      "An IP address to bind, at most one of each family (default: loopback). "
        + "Any other opens the node to whoever can reach it, and in an open network anyone may write.",
      valueName: "address"))
  var bind: [String] = []

  @Option(help: ArgumentHelp("A node to join through. May be repeated.", valueName: "host:port"))
  var bootstrap: [String] = []

  @Option(
    help: ArgumentHelp(
      "Read this file instead of /etc/dhtd/dhtd.yaml; PORT.yaml beside it still overrides it.",
      valueName: "file"),
    completion: .file(extensions: ["yaml"]))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Where the node keeps its identity, its contacts and its records (default: /var/lib/dhtd/PORT for "
        + "root, else $XDG_STATE_HOME/dhtd/PORT).", valueName: "dir"),
    completion: .directory)
  var stateDir: String?

  @Option(
    help: ArgumentHelp(
      "The Unix-domain socket for dhtctl (default: /run/dhtd/PORT/control.sock for root, "
        + "else $XDG_RUNTIME_DIR/dhtd/PORT/control.sock).", valueName: "path"),
    completion: .file())
  var controlSocket: String?

  @Option(
    help: ArgumentHelp(
      "Where records are kept: on disk, where confirmed records outlive a crash, or in memory, so that "
        + "they are lost when the node stops. (values: disk, memory; default: disk)", valueName: "where"),
    completion: .list([Durability.disk, .memory].map(\.rawValue)))
  var durability: String?

  @Option(
    help: ArgumentHelp(
      "The least severe messages that are logged. (values: "
        + LogLevel.allCases.map(\.rawValue).joined(separator: ", ") + "; default: info)",
      valueName: "level"),
    completion: .list(LogLevel.allCases.map(\.rawValue)))
  var logLevel: String?

  @Option(
    help: ArgumentHelp(
      "Where messages go: to the journal, to stderr, or to the journal if stderr is the journal. "
        + "(values: auto, journal, stderr; default: auto)", valueName: "target"),
    completion: .list(LogTarget.allCases.map(\.rawValue)))
  var logTarget: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Sets any key of dhtd.yaml(5), such as --set alpha=5. May be repeated.", valueName: "key=value"),
    completion: .list(Setting.all.map { $0.name + "=" }))
  var settings: [String] = []

  @Flag(help: "Check the configuration, report problems, and exit.")
  var checkConfig = false

  @Flag(help: "Print the configuration and the source of each value, and exit.")
  var printConfig = false

  @Flag(help: "Print a new key for a private network, and exit.")
  var generateKey = false

  func validate() throws {
    if generateKey, checkConfig || printConfig {
      throw ValidationError("--generate-key cannot be combined with --check-config or --print-config")
    }
    if checkConfig, printConfig {
      throw ValidationError("--check-config and --print-config cannot be combined")
    }
  }

  /// The sources of the configuration, this command line included.
  func sources(environment: [String: String]) throws -> ConfigurationSources {
    var options: [ConfigurationSources.Option] = []
    for text in settings {
      guard let equals = text.firstIndex(of: "=") else {
        throw ValidationError("invalid --set '\(text)'; use KEY=VALUE, for example alpha=5")
      }
      let key = String(text[..<equals])
      let value = String(text[text.index(after: equals)...])
      options.append(.init(key, value.isEmpty ? [] : [value], option: "--set \(key)"))
    }
    if !bind.isEmpty { options.append(.init("bind", bind, option: "--bind")) }
    let nodes = addresses + bootstrap
    if !nodes.isEmpty { options.append(.init("bootstrap", nodes, option: "--bootstrap")) }
    for (key, value, option) in [
      ("state_dir", stateDir.map(Self.absolute), "--state-dir"),
      ("control_socket", controlSocket.map(Self.absolute), "--control-socket"),
      ("storage.durability", durability, "--durability"), ("log_level", logLevel, "--log-level"),
      ("log_target", logTarget, "--log-target"),
    ] {
      if let value { options.append(.init(key, [value], option: option)) }
    }
    return ConfigurationSources(
      instance: Instance(port: port), file: config, environment: environment, options: options)
  }

  /// An absolute path, relative to the working directory.
  private static func absolute(_ path: String) -> String {
    // The path ends with a zero byte, belongs to this function, and is copied before it is freed.
    guard !path.isEmpty, !path.hasPrefix("/"), let directory = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(directory) }
    return unsafe "\(String(cString: directory))/\(path)"
  }

  func run() throws {
    if generateKey {
      var random = SystemRandomNumberGenerator()
      print(NetworkKey(random: &random).base64)
      return
    }
    let environment = ProcessEnvironment.all
    let sources = try sources(environment: environment)
    let loaded = try sources.load()
    if checkConfig {
      _ = try KeySource(loaded.configuration, environment)?.keyring(network: loaded.configuration.networkName)
      for warning in loaded.warnings { StartupError("warning: \(warning)", isWarning: true).print() }
      let files = loaded.files.isEmpty ? "no file" : loaded.files.joined(separator: ", ")
      print("The configuration of dhtd \(port) is valid (read: \(files)).")
    } else if printConfig {
      let context = Instance.Context(uid: geteuid(), environment: environment)
      let instance = Instance(port: port)
      print(
        loaded.yaml(
          stateDirectory: try? instance.stateDirectory(context),
          controlSocket: instance.controlSocket(context)),
        terminator: "")
    } else {
      let logs = try Logs(loaded.configuration, environment: environment)
      try Daemon(
        instance: Instance(port: port), environment: environment, sources: sources, loaded: loaded,
        logs: logs
      ).run()
    }
  }

  /// Parses the command line and runs. An error is printed as one line, with an exit status.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      end(with: error)
    }
  }

  /// Prints an error as one line on standard error, and ends the process.
  static func end(with error: any Error) -> Never {
    if let error = error as? InvalidConfiguration {
      for line in error.lines { StartupError(line).print() }
      Glibc.exit(2)
    }
    let text = fullMessage(for: error)
    switch exitCode(for: error) {
    case .success:
      print(text)
      Glibc.exit(0)
    case .validationFailure:
      // The parser's message ends with the usage. The line here points to --help instead.
      StartupError(message(for: error) + "; see 'dhtd --help'").print()
      Glibc.exit(2)
    default:
      StartupError(message(for: error)).print()
      Glibc.exit((error as? NodeStartError)?.isUsage == true || error is KeySourceError ? 2 : 1)
    }
  }
}
