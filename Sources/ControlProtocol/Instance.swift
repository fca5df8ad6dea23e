/// One dhtd on this machine, named by its port, and where it keeps its things.
package struct Instance: Hashable, Sendable {
  /// What decides where the things of an instance are: who runs the program, and in what environment.
  package struct Context: Hashable, Sendable {
    /// The effective user ID; 0 is root.
    package var uid: UInt32
    /// The environment variables of the process.
    package var environment: [String: String]

    /// The user and the environment of a process.
    package init(uid: UInt32, environment: [String: String]) {
      self.uid = uid
      self.environment = environment
    }

    /// The variable, if it holds an absolute path: the XDG base directory specification has any
    /// other be ignored.
    func directory(_ name: String) -> String? {
      guard var path = environment[name], path.hasPrefix("/") else { return nil }
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      return path
    }
  }

  /// The port that the node is bound to, and its name.
  package let port: UInt16

  /// The instance on a port.
  package init(port: UInt16) { self.port = port }

  /// The instance that a text names: a port from 1 to 65535 in plain digits; nil for anything else.
  package init?(_ text: String) {
    guard let port = UInt16(text), port != 0, String(port) == text else { return nil }
    self.port = port
  }

  /// The name of the socket in the directory of an instance.
  package static let socketName = "control.sock"

  /// Where system instances have their runtime directories.
  package static let systemRuntimeRoot = "/run/dhtd"

  /// Where a daemon that this user starts puts its control socket.
  ///
  /// A system service is told its directory by systemd in `RUNTIME_DIRECTORY`, whoever it runs as.
  package func controlSocket(_ context: Context) -> String {
    if let path = serviceDirectory("RUNTIME_DIRECTORY", context) { return "\(path)/\(Self.socketName)" }
    let root = context.uid == 0 ? Self.systemRuntimeRoot : Self.userRuntimeRoot(context)
    return "\(root)/\(port)/\(Self.socketName)"
  }

  /// Where a daemon that this user starts keeps its state: its identity, records and contacts.
  /// - Throws: `InstanceError.noHome` where neither `XDG_STATE_HOME` nor `HOME` says.
  package func stateDirectory(_ context: Context) throws(InstanceError) -> String {
    if let path = serviceDirectory("STATE_DIRECTORY", context) { return path }
    if context.uid == 0 { return "/var/lib/dhtd/\(port)" }
    if let state = context.directory("XDG_STATE_HOME") { return "\(state)/dhtd/\(port)" }
    guard let home = context.directory("HOME") else { throw .noHome }
    return "\(home)/.local/state/dhtd/\(port)"
  }

  /// Where a client looks for the socket, in this order: the user's own nodes, then the system's.
  package func controlSocketCandidates(_ context: Context) -> [String] {
    Self.runtimeRoots(context).map { "\($0)/\(port)/\(Self.socketName)" }
  }

  /// The directories that have one directory for each running instance, in the order in which a
  /// client looks.
  package static func runtimeRoots(_ context: Context) -> [String] {
    if context.uid == 0 { return [systemRuntimeRoot] }
    // A daemon started outside a login session, by cron for one, has no XDG_RUNTIME_DIR.
    let own = userRuntimeRoot(context)
    let fallback = temporaryRuntimeRoot(context.uid)
    return own == fallback ? [own, systemRuntimeRoot] : [own, fallback, systemRuntimeRoot]
  }

  /// The directory in `/tmp` for a user who has no runtime directory. Anybody can make a directory
  /// there: both programs must check that this one belongs to the user.
  package static func temporaryRuntimeRoot(_ uid: UInt32) -> String { "/tmp/dhtd-\(uid)" }

  private static func userRuntimeRoot(_ context: Context) -> String {
    context.directory("XDG_RUNTIME_DIR").map { "\($0)/dhtd" } ?? temporaryRuntimeRoot(context.uid)
  }

  /// The directory that systemd made for this service; several are separated by colons, and then
  /// none of them is known to be meant.
  private func serviceDirectory(_ name: String, _ context: Context) -> String? {
    guard let path = context.directory(name), !path.contains(":") else { return nil }
    return path.hasSuffix("/\(port)") ? path : "\(path)/\(port)"
  }
}

/// A path that fits in the address of a Unix-domain socket.
package struct SocketPath: Hashable, Sendable {
  /// The path, at most `ControlLimits.maxSocketPathBytes` bytes of UTF-8.
  package let string: String

  /// Checks a path.
  package init(_ string: String) throws(InstanceError) {
    guard !string.isEmpty, !string.utf8.contains(0) else { throw .emptySocketPath }
    guard string.utf8.count <= ControlLimits.maxSocketPathBytes else {
      throw .socketPathTooLong(string)
    }
    self.string = string
  }
}

/// Why an instance has no place for its things.
package enum InstanceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Neither `XDG_STATE_HOME` nor `HOME` says where the state directory is.
  case noHome
  /// The path of the socket is empty or holds a NUL.
  case emptySocketPath
  /// The path of the socket, which does not fit in a socket's address.
  case socketPathTooLong(String)

  /// One line that says what to do.
  package var description: String {
    switch self {
    case .noHome:
      "there is no state directory, because HOME is not set; set it or XDG_STATE_HOME"
    case .emptySocketPath:
      "the path of the control socket is empty; name a file"
    case .socketPathTooLong(let path):
      "the path of the control socket has \(path.utf8.count) bytes, and Linux takes "
        + "\(ControlLimits.maxSocketPathBytes): '\(path)'; choose a shorter one"
    }
  }
}
