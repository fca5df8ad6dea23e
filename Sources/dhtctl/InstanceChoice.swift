import ControlProtocol
import Glibc

/// Finds the daemon of a command, and connects to it.
struct InstanceChoice {
  /// The instance that is tried first by default.
  static let defaultInstance = Instance(port: 8001)
  /// The environment variable that names an instance.
  static let variable = "DHTCTL_INSTANCE"

  let context: Instance.Context
  let timeout: Duration

  /// Connects to a socket by its path.
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

  /// Connects to an instance: the user's own, or the system's.
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

  /// Connects to the instance in `DHTCTL_INSTANCE`, or to 8001 if it runs, or to the only one that runs.
  func connect() throws(Failure) -> DaemonConnection {
    if let name = context.environment[Self.variable], !name.isEmpty {
      guard let instance = Instance(name) else {
        throw .usage(
          "\(Self.variable) is '\(TerminalText.escaped(name))'; set it to a port, for example 8001")
      }
      return try connect(to: instance)
    }
    switch attempt(Self.defaultInstance) {
    case .connected(let connection): return connection
    // The instance runs, but this user may not use it. Another instance is not the one that is meant.
    case .refused(let failure): throw failure
    case .absent: return try connectToOnlyOne()
    }
  }

  private func connectToOnlyOne() throws(Failure) -> DaemonConnection {
    var running: [UInt16] = []
    var failure: Failure?
    for instance in instances() {
      switch attempt(instance) {
      case .connected: running.append(instance.port)
      case .refused(let error): failure = failure ?? error
      case .absent: break
      }
    }
    guard let port = running.first else {
      if let failure { throw failure }
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

  /// The way to start a node here: a service if the package has installed one.
  private static func startHint(_ port: UInt16) -> String {
    let isService = ["/usr/lib", "/lib", "/etc"].contains {
      // The pointer to the path is used only during the call.
      unsafe access("\($0)/systemd/system/dhtd@.service", F_OK) == 0
    }
    return isService
      ? "start it with 'sudo systemctl start dhtd@\(port)'; 'systemctl status dhtd@\(port)' shows why it stopped"
      : "start one with 'dhtd \(port)'"
  }

  private enum Attempt: ~Copyable {
    case connected(DaemonConnection)
    case refused(Failure)
    case absent
  }

  private func attempt(_ instance: Instance) -> Attempt {
    var failure: Failure?
    for path in instance.controlSocketCandidates(context) where isTrusted(path) {
      switch attempt(path) {
      case .connected(let connection): return .connected(connection)
      case .refused(let error): failure = failure ?? error
      case .absent: break
      }
    }
    return failure.map { .refused($0) } ?? .absent
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
    do throws(DaemonConnection.ConnectError) {
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

  /// The instances with a runtime directory, by port.
  private func instances() -> [Instance] {
    var ports: Set<UInt16> = []
    for root in Instance.runtimeRoots(context) {
      // An entry is valid until the next one is read, and its name is copied before that.
      guard let directory = unsafe opendir(root) else { continue }
      defer { unsafe closedir(directory) }
      while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
          unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if let instance = Instance(name) { ports.insert(instance.port) }
      }
    }
    return ports.sorted().map { Instance(port: $0) }
  }

  /// Returns whether only the user can have created the socket. In `/tmp` anyone could create the directory
  /// first, and would receive every value.
  private func isTrusted(_ path: String) -> Bool {
    let root = Instance.temporaryRuntimeRoot(context.uid)
    guard path.hasPrefix(root + "/") else { return true }
    var status = stat()
    // The system writes one `stat`.
    return unsafe lstat(root, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == context.uid && status.st_mode & 0o022 == 0
  }
}
