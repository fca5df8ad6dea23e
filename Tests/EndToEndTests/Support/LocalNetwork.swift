import Foundation

/// Nodes on this machine, in a temporary directory of their own.
///
/// Made with `withNetwork`, at whose end all processes are gone and the directory is removed.
final class LocalNetwork {
  let directory: String
  private(set) var nodes: [DaemonProcess] = []
  private var processes: [ChildProcess] = []
  private let programs: Programs
  private let guardian: Guardian
  /// Options of every node.
  private let options: [String]

  fileprivate init(options: [String], lifetime: Int) throws {
    self.options = options
    programs = try Programs.underTest.get()
    var template = Array("/tmp/dhtd-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TimedOut(what: "a temporary directory") }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    chown(directory, programs.user, programs.user)
    guardian = try Guardian(seconds: lifetime)
    for name in ["run", "state", "home"] { try makeDirectory(name) }
  }

  fileprivate func end() {
    for process in nodes.map(\.process) + processes { process.end() }
    guardian.end()
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// The user that the programs run as.
  var user: uid_t { programs.user }

  // MARK: - Places

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  func stateDirectory(of port: UInt16) -> String { path("state/dhtd/\(port)") }

  func socketPath(of port: UInt16) -> String { path("run/dhtd/\(port)/control.sock") }

  /// Makes a directory that the programs may write to.
  func makeDirectory(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    chown(path(name), programs.user, programs.user)
  }

  /// Makes a file that the programs may read and write.
  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path(name)))
    chown(path(name), programs.user, programs.user)
  }

  /// Nothing of the machine's or the user's own reaches the programs.
  private func environment(_ more: [String: String]) -> [String: String] {
    [
      "HOME": path("home"), "XDG_RUNTIME_DIR": path("run"), "XDG_STATE_HOME": path("state"),
      "XDG_CONFIG_HOME": path("home"), "XDG_CACHE_HOME": path("home"), "PATH": "/usr/bin:/bin",
      "LC_ALL": "C.UTF-8", "DHTD_CONFIG": "/dev/null",
    ].merging(more) { _, new in new }
  }

  // MARK: - Nodes

  /// Starts a node and does not wait for it.
  /// - Parameters:
  ///   - host: the address that it is bound to; nil: the default, which is loopback.
  ///   - bootstrap: where it joins, as HOST:PORT.
  ///   - environment: further variables for dhtd.
  ///   - namespaces: where it runs; nil: where the tests do.
  ///   - options: further options of dhtd.
  func launch(
    port: UInt16? = nil, host: String? = nil, bootstrap: [String] = [], environment: [String: String] = [:],
    in namespaces: Namespaces? = nil, _ options: String...
  ) throws -> DaemonProcess {
    let node = try DaemonProcess(
      self, port: port ?? Ports.next(), host: host, namespaces: namespaces, bootstrap: bootstrap,
      options: self.options + options, environment: environment)
    nodes.append(node)
    return node
  }

  /// Starts a node that joins through another, and waits until it is ready.
  @discardableResult
  func start(_ bootstrap: DaemonProcess? = nil) throws -> DaemonProcess {
    try launch(bootstrap: bootstrap.map { [$0.address] } ?? []).waitUntilReady()
  }

  /// Starts nodes that all join through the first, and waits until all are ready.
  fileprivate func start(count: Int) throws {
    guard count > 0 else { return }
    let first = try start()
    let others = try (1..<count).map { _ in try launch(bootstrap: [first.address]) }
    for node in others { try node.waitUntilReady() }
  }

  func spawnDaemon(
    port: UInt16, _ arguments: [String], environment: [String: String], in namespaces: Namespaces? = nil
  ) throws -> ChildProcess {
    try spawn(
      programs.dhtd,
      [
        String(port), "--state-dir", stateDirectory(of: port), "--control-socket", socketPath(of: port),
      ] + arguments, environment: environment, in: namespaces)
  }

  /// Starts a command of the system's as the user of the tests, which ends with the network.
  func launchTool(_ command: [String]) throws -> ChildProcess {
    let process = try ChildProcess(
      command, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"],
      group: guardian.group, input: nil)
    processes.append(process)
    return process
  }

  /// Starts all nodes again as they were started before, and waits until all are ready.
  func startAllAgain() throws {
    for node in nodes { try node.startAgain() }
    for node in nodes { try node.waitUntilReady() }
  }

  /// Starts a dhtd in a terminal of its own.
  /// - Parameter ignoringHangups: whether it is to outlive that, as with nohup(1). Such a one belongs
  ///   to no group that is ended with the test: whoever starts it ends it.
  /// - Returns: its port, and the terminal.
  func launchInTerminal(
    ignoringHangups: Bool
  ) throws -> (port: UInt16, terminal: ChildProcess) {
    let port = try Ports.next()
    let command = [
      programs.dhtd, String(port), "--state-dir", stateDirectory(of: port), "--control-socket",
      socketPath(of: port),
    ]
    let line = (ignoringHangups ? "trap '' HUP; " : "") + "exec " + command.joined(separator: " ")
    let process = try spawn(
      "/usr/bin/script", ["--quiet", "--command", line, "/dev/null"], input: nil)
    processes.append(process)
    return (port, process)
  }

  /// Starts dhtctl in a terminal of its own.
  func launchInTerminal(_ arguments: [String], at node: DaemonProcess) throws -> ChildProcess {
    let line = ([programs.dhtctl, "--socket", node.socketPath] + arguments).joined(separator: " ")
    let process = try spawn(
      "/usr/bin/script", ["--quiet", "--return", "--command", line, "/dev/null"], input: nil)
    processes.append(process)
    return process
  }

  private func spawn(
    _ program: String, _ arguments: [String], input: [UInt8]? = [], environment more: [String: String] = [:],
    in namespaces: Namespaces? = nil
  ) throws -> ChildProcess {
    try ChildProcess(
      (namespaces?.entry ?? []) + programs.prefix + [program] + arguments, environment: environment(more),
      group: guardian.group,
      input: input)
  }

  // MARK: - Commands

  /// Runs dhtctl to its end.
  func dhtctl(_ arguments: String..., input: [UInt8] = []) throws -> CommandResult {
    try run(programs.dhtctl, arguments, input, [:])
  }

  /// Runs dhtctl to its end.
  func dhtctl(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandResult {
    try run(programs.dhtctl, arguments, [], environment)
  }

  /// Runs dhtctl against one node.
  func dhtctl(_ node: DaemonProcess, _ arguments: String..., input: [UInt8] = []) throws -> CommandResult {
    try run(programs.dhtctl, ["--socket", node.socketPath] + arguments, input, [:])
  }

  /// Runs lines through the shell of dhtctl.
  func shell(_ node: DaemonProcess, _ lines: String) throws -> CommandResult {
    try dhtctl(node, "shell", input: Array(lines.utf8))
  }

  /// Starts a shell that is fed line by line.
  func launchShell(socket: String) throws -> ChildProcess {
    let process = try spawn(programs.dhtctl, ["--socket", socket, "shell"], input: nil)
    processes.append(process)
    return process
  }

  /// Starts a benchmark that does not end by itself.
  func launchBench(socket: String, _ arguments: String...) throws -> ChildProcess {
    let process = try spawn(programs.dhtctl, ["--socket", socket, "bench"] + arguments)
    processes.append(process)
    return process
  }

  /// Runs a dhtd that is expected to end by itself.
  func dhtd(_ arguments: String...) throws -> CommandResult { try dhtd(arguments) }

  /// Runs a dhtd that is expected to end by itself.
  func dhtd(_ arguments: [String], environment: [String: String] = [:]) throws -> CommandResult {
    try run(programs.dhtd, arguments, [], environment)
  }

  /// Runs a dhtd that is expected to end by itself, with descriptors handed over as systemd does.
  /// - Parameters:
  ///   - redirections: what the shell opens, from descriptor 3 on.
  ///   - count: how many descriptors it is told of.
  func dhtd(handedOver redirections: String, count: Int, _ arguments: String...) throws -> CommandResult {
    let line = "exec \(redirections); LISTEN_PID=$$ LISTEN_FDS=\(count) exec \"$0\" \"$@\""
    return try run("/bin/sh", ["-c", line, programs.dhtd] + arguments, [], [:])
  }

  /// Runs the simulator to its end.
  func dhtsim(_ arguments: String...) throws -> CommandResult {
    try run(programs.dhtsim, arguments, [], [:], within: 140)
  }

  /// Starts a dhtd with these arguments alone, and waits until it is ready.
  func startPlain(_ arguments: String...) throws -> ChildProcess {
    let process = try spawn(programs.dhtd, arguments)
    processes.append(process)
    try process.pump(until: Deadline(within: 20)) { process.errorLines.contains { $0.hasSuffix(" ready") } }
    return process
  }

  private func run(
    _ program: String, _ arguments: [String], _ input: [UInt8], _ environment: [String: String],
    within seconds: Double = 60
  ) throws -> CommandResult {
    let process = try spawn(program, arguments, input: input, environment: environment)
    processes.append(process)
    let exit = try process.waitForExit(within: seconds)
    processes.removeLast()
    let status: Int32 =
      switch exit {
      case .exited(let status): status
      case .killed(let signal): 128 + signal
      }
    return CommandResult(
      status: status, bytes: process.output, errors: String(decoding: process.errors, as: UTF8.self))
  }
}

/// Starts so many nodes that all join through the first, calls, and ends everything again.
/// - Parameters:
///   - options: of every node.
///   - lifetime: seconds after which all processes are ended, whatever the test does.
func withNetwork(
  _ count: Int = 0, options: [String] = [], lifetime: Int = 150, _ body: (LocalNetwork) throws -> Void
) throws {
  let network = try LocalNetwork(options: options, lifetime: lifetime)
  defer { network.end() }
  try network.start(count: count)
  try body(network)
}
