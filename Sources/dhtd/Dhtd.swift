import ArgumentParser
import ControlProtocol
import Glibc
import Logging
import NodeRuntime

/// The daemon's command line.
@main
struct Dhtd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhtd",
    abstract: "Runs a node of a Kademlia network: a peer-to-peer key-value store.",
    discussion: """
      The first node of a network needs no bootstrap address; each further one joins through any \
      node that runs:

        dhtd 8001
        dhtd 8002 localhost:8001

      Use 'dhtctl' to store and read values. Exit status: 0 stopped as asked, 1 failed, 2 usage.
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
        + "Any other opens the node to whoever can reach it, and anyone may write.",
      valueName: "address"))
  var bind: [String] = []

  @Option(help: ArgumentHelp("A node to join through. May be repeated.", valueName: "host:port"))
  var bootstrap: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where the node keeps its identity (default: /var/lib/dhtd/PORT for root, "
        + "else $XDG_STATE_HOME/dhtd/PORT).", valueName: "dir"))
  var stateDir: String?

  @Option(
    help: ArgumentHelp(
      "The Unix-domain socket for dhtctl (default: /run/dhtd/PORT/control.sock for root, "
        + "else $XDG_RUNTIME_DIR/dhtd/PORT/control.sock).", valueName: "path"))
  var controlSocket: String?

  @Option(help: "Where records are kept: memory, so that they end with the node.")
  var durability: Durability = .memory

  @Option(help: "The least severe messages that are logged.")
  var logLevel: LogLevel = .info

  @Option(help: "Where messages go: stderr, which auto means too.")
  var logTarget: LogTarget = .auto

  enum Durability: String, CaseIterable, ExpressibleByArgument {
    case disk, memory
  }

  enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, notice, warning, error, critical
  }

  enum LogTarget: String, CaseIterable, ExpressibleByArgument {
    case auto, journal, stderr
  }

  func validate() throws {
    if durability == .disk {
      throw ValidationError("--durability disk is not available yet; use --durability memory")
    }
    if logTarget == .journal {
      throw ValidationError("--log-target journal is not available yet; use --log-target stderr")
    }
  }

  func bootstrapAddresses() throws -> [HostPort] {
    do {
      return try (addresses + bootstrap).map { try HostPort($0) }
    } catch let error as HostPortError {
      throw ValidationError(error.description)
    }
  }

  func run() async throws {
    let level = Logger.Level(rawValue: logLevel.rawValue) ?? .info
    LoggingSystem.bootstrap { StderrLogHandler(label: $0, level: level) }
    try await Daemon(self).run()
  }

  /// Parses and runs. What goes wrong is one line on stderr and an exit status.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  private static func end(with error: any Error) -> Never {
    let text = fullMessage(for: error)
    switch exitCode(for: error) {
    case .success:
      print(text)
      Glibc.exit(0)
    case .validationFailure:
      // The parser adds the usage below; one line says what is wrong, and --help says the rest.
      complain(message(for: error) + "; see 'dhtd --help'")
      Glibc.exit(2)
    default:
      complain(message(for: error))
      Glibc.exit((error as? NodeStartError)?.isUsage == true ? 2 : 1)
    }
  }

  /// Writes one line. The parser's lists of choices, one a line, become words in it.
  private static func complain(_ text: String) {
    var line = "dhtd: "
    for part in text.split(whereSeparator: \.isNewline) {
      let words = part.split(separator: " ")
      let isChoice = words.first == "-"
      let separator = line.hasSuffix(" ") ? "" : isChoice && !line.hasSuffix(":") ? ", " : " "
      line += separator + words.dropFirst(isChoice ? 1 : 0).joined(separator: " ")
    }
    line += "\n"
    line.withUTF8 { bytes in
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }
}
