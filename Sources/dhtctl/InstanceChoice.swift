import ControlProtocol
import Glibc

/// Finds the daemon that a command is meant for, and connects to it.
struct InstanceChoice {
  /// The one that is tried first where nobody says which.
  static let defaultInstance = Instance(port: 8001)
  /// The environment variable that names one.
  static let variable = "DHTCTL_INSTANCE"

  let context: Instance.Context
  let timeout: Duration

  /// Connects to a socket that was named by its path.
  func connect(to path: String) throws(Failure) -> DaemonConnection {
    switch attempt(path) {
    case .connected(let connection): return connection
    case .refused(let failure): throw failure
    case .absent:
      throw Failure(
        .noDaemon,
        "no dhtd listens on '\(TerminalText.escaped(path))'; start one with 'dhtd --control-socket PATH'",
        reason: "no_daemon")
    }
  }

  /// Connects to an instance: the user's own, else the system's.
  func connect(to instance: Instance) throws(Failure) -> DaemonConnection {
    switch attempt(instance) {
    case .connected(let connection): return connection
    case .refused(let failure): throw failure
    case .absent:
      let port = instance.port
      throw Failure(
        .noDaemon,
        "no dhtd runs on port \(port); \(Self.startHint(port))",
        reason: "no_daemon")
    }
  }

  /// Connects to the instance in `DHTCTL_INSTANCE`, else to 8001 if it runs, else to the only one
  /// that does.
  func connect() throws(Failure) -> DaemonConnection {
    if let name = context.environment[Self.variable], !name.isEmpty {
      guard let instance = Instance(name) else {
        throw .usage("\(Self.variable) is '\(TerminalText.escaped(name))'; set it to a port, such as 8001")
      }
      return try connect(to: instance)
    }
    switch attempt(Self.defaultInstance) {
    case .connected(let connection): return connection
    // It runs, but not for this user: another instance would not be the one that is meant.
    case .refused(let failure): throw failure
    case .absent: return try connectToOnlyOne()
    }
  }

  private func connectToOnlyOne() throws(Failure) -> DaemonConnection {
    var running: [UInt16] = []
    var refusal: Failure?
    for instance in instances() {
      switch attempt(instance) {
      case .connected: running.append(instance.port)
      case .refused(let failure): refusal = refusal ?? failure
      case .absent: break
      }
    }
    guard let port = running.first else {
      if let refusal { throw refusal }
      let port = Self.defaultInstance.port
      throw Failure(
        .noDaemon,
        "no dhtd is running; \(Self.startHint(port))",
        reason: "no_daemon")
    }
    guard running.count == 1 else {
      let ports = running.map(String.init).joined(separator: ", ")
      throw .usage("several instances run (\(ports)); name one with -i PORT or \(Self.variable)")
    }
    return try connect(to: Instance(port: port))
  }

  /// How a node is started here: as a service where the package has installed one.
  private static func startHint(_ port: UInt16) -> String {
    let isService = ["/usr/lib", "/lib", "/etc"].contains {
      access("\($0)/systemd/system/dhtd@.service", F_OK) == 0
    }
    return isService
      ? "'sudo systemctl start dhtd@\(port)' starts it, 'systemctl status dhtd@\(port)' says why it stopped"
      : "start one with 'dhtd \(port)'"
  }

  private enum Attempt: ~Copyable {
    case connected(DaemonConnection)
    case refused(Failure)
    case absent
  }

  private func attempt(_ instance: Instance) -> Attempt {
    var refusal: Failure?
    for path in instance.controlSocketCandidates(context) where isTrusted(path) {
      switch attempt(path) {
      case .connected(let connection): return .connected(connection)
      case .refused(let failure): refusal = refusal ?? failure
      case .absent: break
      }
    }
    return refusal.map { .refused($0) } ?? .absent
  }

  private func attempt(_ path: String) -> Attempt {
    do throws(InstanceError) {
      return attempt(try SocketPath(path))
    } catch {
      return .refused(Failure(.failed, TerminalText.escaped(error.description), reason: "socket_path"))
    }
  }

  private func attempt(_ path: SocketPath) -> Attempt {
    let shown = TerminalText.escaped(path.string)
    do throws(DaemonConnection.Refusal) {
      return .connected(try DaemonConnection.open(path, timeout: timeout))
    } catch {
      switch error {
      case .noDaemon: return .absent
      case .noPermission:
        return .refused(
          Failure(
            .failed,
            "no permission for '\(shown)'; add yourself to group dhtd with 'sudo adduser $USER dhtd' and log in again, "
              + "or name a node of your own with -i PORT",
            reason: "no_permission"))
      case .other(let cause):
        return .refused(Failure(.failed, "cannot connect to '\(shown)': \(cause)", reason: "connect"))
      }
    }
  }

  /// The instances that have a runtime directory, by port.
  private func instances() -> [Instance] {
    var ports: Set<UInt16> = []
    for root in Instance.runtimeRoots(context) {
      guard let directory = opendir(root) else { continue }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if let instance = Instance(name) { ports.insert(instance.port) }
      }
    }
    return ports.sorted().map { Instance(port: $0) }
  }

  /// Whether nobody but the user can have put the socket there: in `/tmp` anybody may make the
  /// directory first, and would be told every value.
  private func isTrusted(_ path: String) -> Bool {
    let root = Instance.temporaryRuntimeRoot(context.uid)
    guard path.hasPrefix(root + "/") else { return true }
    var status = stat()
    return lstat(root, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == context.uid && status.st_mode & 0o022 == 0
  }
}
