import Foundation

/// A set of mounts, and a network, of its own for some nodes. They are there as long as a process that
/// stands in them, so that nothing is left of them when the test ends, however it ends.
final class Namespaces {
  private let network: LocalNetwork
  private let holder: ChildProcess

  /// True if the tests may make them, and mount and connect something in them.
  static let areAvailable: Bool = {
    let line = "mount -t tmpfs tmpfs /mnt && ip link add name b0 type bridge"
    let trial = try? ChildProcess(
      unshare + ["/bin/sh", "-ec", line], environment: ["PATH": path], group: nil)
    return (try? trial?.waitForExit(within: 20)) == .exited(0)
  }()

  /// The reason why a test that needs namespaces is skipped.
  static let areNeeded = "needs root's rights, for namespaces with mounts and networks of their own"

  private static let path = "/usr/sbin:/usr/bin:/sbin:/bin"
  private static let unshare = ["/usr/bin/unshare", "--mount", "--net", "--propagation", "private", "--"]

  /// - Parameter script: commands of the shell that root runs in them first.
  init(for network: LocalNetwork, _ script: String = "") throws {
    self.network = network
    let line = "ip link set lo up\n\(script)\necho there; exec cat"
    holder = try network.launchTool(Self.unshare + ["/bin/sh", "-ec", line])
    try holder.pump(until: Deadline(within: 20)) { !holder.output.isEmpty }
    guard !holder.output.isEmpty else {
      throw TimedOut(what: "namespaces", details: holder.errorLines.joined(separator: "\n"))
    }
  }

  /// The process that stands in them.
  var process: pid_t { holder.id }

  /// The prefix of a command line that runs in the namespaces.
  var entry: [String] { ["/usr/bin/nsenter", "--target=\(process)", "--mount", "--net", "--"] }

  /// Runs a command of the shell in them, as root.
  func run(_ line: String) throws {
    let process = try network.launchTool(entry + ["/bin/sh", "-ec", line])
    process.endInput()
    let exit = try process.waitForExit(within: 20)
    guard exit == .exited(0) else {
      throw TimedOut(what: "'\(line)' to succeed", details: process.errorLines.joined(separator: "\n"))
    }
  }

  /// Mounts a small file system of its own at the state directory of a node that has not started.
  func mountStateDirectory(of port: UInt16, bytes: Int) throws {
    let directory = network.stateDirectory(of: port)
    try network.makeDirectory("state/dhtd/\(port)")
    let user = network.user
    try run("mount -t tmpfs -o size=\(bytes),mode=0700,uid=\(user),gid=\(user) tmpfs '\(directory)'")
  }
}
