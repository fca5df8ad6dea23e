import Foundation

/// A dhtd: a place on this machine, and the process that runs there at the moment.
final class DaemonProcess {
  let port: UInt16
  let stateDirectory: String
  let socketPath: String
  private let host: String?
  private let network: LocalNetwork
  private let namespaces: Namespaces?
  private let bootstrap: [String]
  private var options: [String]
  private let environment: [String: String]
  private(set) var process: ChildProcess
  private var connection: ControlSocketClient?

  init(
    _ network: LocalNetwork, port: UInt16, host: String?, namespaces: Namespaces?, bootstrap: [String],
    options: [String], environment: [String: String]
  ) throws {
    self.network = network
    self.port = port
    self.host = host
    self.namespaces = namespaces
    self.bootstrap = bootstrap
    self.options = host.map { ["--bind", $0] + options } ?? options
    self.environment = environment
    stateDirectory = network.stateDirectory(of: port)
    socketPath = network.socketPath(of: port)
    process = try network.spawnDaemon(
      port: port, bootstrap + self.options, environment: environment, in: namespaces)
  }

  /// An address to bootstrap from.
  var address: String { "\(host ?? "127.0.0.1"):\(port)" }

  /// Waits for the line that a person waits for.
  @discardableResult
  func waitUntilReady(within seconds: Double = 20) throws -> DaemonProcess {
    try waitForLogLine(within: seconds) { $0.hasSuffix(" ready") }
    return self
  }

  func waitForLogLine(within seconds: Double = 20, _ isIt: (String) -> Bool) throws {
    try process.pump(until: Deadline(within: seconds)) { process.errorLines.contains(where: isIt) }
    guard process.errorLines.contains(where: isIt) else {
      throw TimedOut(
        what: "a line in the log of \(port)", details: process.errorLines.joined(separator: "\n"))
    }
  }

  /// A new connection to the control socket.
  func connect() throws -> ControlSocketClient { try ControlSocketClient(socketPath) }

  /// A connection that stays open.
  func client() throws -> ControlSocketClient {
    if let connection { return connection }
    let connection = try connect()
    self.connection = connection
    return connection
  }

  func status() throws -> JSON { try client().status() }

  func nodeID() throws -> String? { try status()["node_id"].string }

  func knownNodes() throws -> Int64 { try status()["known_nodes"].integer ?? 0 }

  /// Bytes of memory that it has in use.
  func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process.id)/statm", encoding: .utf8)
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// The most memory that it has had in use, in bytes.
  func peakMemory() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(process.id)/status", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return 1024 * (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
  }

  // MARK: - The end, and another beginning

  /// Asks it to stop, and waits until it has.
  func stop(_ signal: Int32 = SIGTERM) throws -> ChildProcess.Exit {
    connection = nil
    process.send(signal: signal)
    return try process.waitForExit(within: 20)
  }

  /// Ends it as a power cut would.
  func kill() {
    connection = nil
    process.end()
  }

  /// Starts it again as it was started before.
  /// - Parameters:
  ///   - joining: whether it is told of the bootstrap nodes that it was told of before.
  ///   - more: options that it has from now on.
  @discardableResult
  func startAgain(joining: Bool = true, _ more: String...) throws -> DaemonProcess {
    connection = nil
    process.end()
    options += more
    process = try network.spawnDaemon(
      port: port, (joining ? bootstrap : []) + options, environment: environment, in: namespaces)
    return self
  }

  /// Does something with it, and starts it again and does it once more where it ended by itself
  /// meanwhile, as the service manager would.
  @discardableResult
  func tended<Result>(_ body: () throws -> Result) throws -> Result {
    for _ in 1...3 {
      do {
        return try body()
      } catch {
        // Where it still runs, that is not the reason.
        guard (try? process.waitForExit(within: 1)) != nil else { throw error }
        try startAgain().waitUntilReady()
      }
    }
    return try body()
  }
}
