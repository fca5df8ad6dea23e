import Foundation

/// A machine with a real systemd and nothing of this project but its package; see packaging/container.
final class Container {
  /// The file of the package as the machine sees it.
  let package: String
  private static let name = "dhtd-test"

  /// The variables of packaging/test: the package, and the root directory of a minimal Debian with the
  /// package's dependencies.
  private static let variables = ["DHTD_DEB", "DHTD_CONTAINER_ROOT"]

  /// True if there is something to boot.
  static var isAvailable: Bool { variables.allSatisfy { ProcessInfo.processInfo.environment[$0] != nil } }

  fileprivate init() throws {
    let environment = ProcessInfo.processInfo.environment
    let paths = Self.variables.compactMap { environment[$0] }
    guard paths.count == 2 else { throw TimedOut(what: "a package; run packaging/test, which builds it") }
    let file = URL(filePath: paths[0])
    package = "/mnt/deb/\(file.lastPathComponent)"
    // Removes a machine that a killed run left behind.
    try stop()
    let boot = try Self.tool(
      ["boot", paths[1], Self.name, "--bind-ro", "\(file.deletingLastPathComponent().path):/mnt/deb"])
    guard boot.status == 0 else { throw TimedOut(what: "a container", details: "\(boot)") }
  }

  fileprivate func end() { try? stop() }

  private func stop() throws {
    let result = try Self.tool(["stop", Self.name])
    guard result.status == 0 else { throw TimedOut(what: "the end of a container", details: "\(result)") }
  }

  /// Powers it off and on again.
  func reboot() throws {
    let result = try Self.tool(["reboot", Self.name])
    guard result.status == 0 else { throw TimedOut(what: "a reboot", details: "\(result)") }
  }

  // MARK: - Commands in it

  /// Runs a command line of bash as root, to its end.
  @discardableResult
  func run(_ line: String) throws -> CommandResult {
    try Self.tool(["exec", Self.name, "bash", "-c", line])
  }

  /// Runs a command line that must succeed.
  /// - Returns: what it printed, without the last line feed.
  @discardableResult
  func output(_ line: String) throws -> String {
    let result = try run(line)
    guard result.status == 0 else { throw TimedOut(what: "'\(line)' to succeed", details: "\(result)") }
    return result.output.hasSuffix("\n") ? String(result.output.dropLast()) : result.output
  }

  /// Writes a file.
  func write(_ text: String, to path: String) throws {
    try output("mkdir -p '\(path.split(separator: "/").dropLast().map { "/\($0)" }.joined())'")
    try output("cat >'\(path)' <<'END OF FILE'\n\(text)\nEND OF FILE")
  }

  /// A property of a unit, as `systemctl show` has it.
  func property(_ name: String, of unit: String) throws -> String {
    try output("systemctl show --value --property \(name) \(unit)")
  }

  /// The messages of a unit in the journal, each with its fields.
  func journal(of unit: String, _ matches: String = "") throws -> [JSON] {
    // The last log lines of the daemon may not be in the file yet.
    try output("journalctl --sync; journalctl --unit \(unit) --output json \(matches)")
      .split(separator: "\n").map { try JSON(parsing: $0.utf8) }
  }

  /// Waits for a message of a unit that has a text.
  func wait(for text: String, inJournalOf unit: String) throws {
    try eventually("'\(text)' in the journal of \(unit)") {
      try journal(of: unit).contains { $0["MESSAGE"].string?.contains(text) == true }
    }
  }

  private static func tool(_ arguments: [String]) throws -> CommandResult {
    var script = URL(filePath: #filePath)
    for _ in 0..<4 { script.deleteLastPathComponent() }
    script.append(path: "packaging/container")
    let asRoot = geteuid() == 0 ? [] : ["/usr/bin/sudo", "-n"]
    let process = try ChildProcess(
      asRoot + [script.path] + arguments,
      environment: [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
      ],
      group: nil)
    let exit = try process.waitForExit(within: 120)
    guard case .exited(let status) = exit else { throw TimedOut(what: "packaging/container \(arguments)") }
    return CommandResult(
      status: status, bytes: process.output, errors: String(decoding: process.errors, as: UTF8.self))
  }
}

/// Boots a machine, installs the package, calls, and deletes the machine again.
func withContainer(_ body: (Container) throws -> Void) throws {
  let container = try Container()
  defer { container.end() }
  try container.output("DEBIAN_FRONTEND=noninteractive dpkg --install \(container.package)")
  try body(container)
}
