/// A dhtd on this machine, identified by its port, and the paths that it uses.
package struct Instance: Hashable, Sendable {
  /// The user and environment that determine the paths of an instance.
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

    /// A variable that holds an absolute path. The XDG base directory specification says to ignore other
    /// values.
    func directory(_ name: String) -> String? {
      guard var path = environment[name], path.hasPrefix("/") else { return nil }
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      return path
    }
  }

  /// The port that the node is bound to, which also identifies the instance.
  package let port: UInt16

  /// The instance on a port.
  package init(port: UInt16) { self.port = port }

  /// Parses an instance: a port from 1 to 65535 in plain digits; nil for anything else.
  package init?(_ text: String) {
    guard let port = UInt16(text), port != 0, String(port) == text else { return nil }
    self.port = port
  }

  /// The name of the socket in the directory of an instance.
  package static let socketName = "control.sock"

  /// The directory of the system instances' runtime directories.
  package static let systemRuntimeRoot = "/run/dhtd"

  /// The path of the control socket of a daemon that this user starts.
  ///
  /// A system service gets its directory from systemd in `RUNTIME_DIRECTORY`, whichever user it runs as.
  package func controlSocket(_ context: Context) -> String {
    if let path = serviceDirectory("RUNTIME_DIRECTORY", context) { return "\(path)/\(Self.socketName)" }
    let root = context.uid == 0 ? Self.systemRuntimeRoot : Self.userRuntimeRoot(context)
    return "\(root)/\(port)/\(Self.socketName)"
  }

  /// The state directory of a daemon that this user starts: its identity, records and contacts.
  /// - Throws: `InstanceError.noHome` if neither `XDG_STATE_HOME` nor `HOME` is set.
  package func stateDirectory(_ context: Context) throws(InstanceError) -> String {
    if let path = serviceDirectory("STATE_DIRECTORY", context) { return path }
    if context.uid == 0 { return "/var/lib/dhtd/\(port)" }
    if let state = context.directory("XDG_STATE_HOME") { return "\(state)/dhtd/\(port)" }
    guard let home = context.directory("HOME") else { throw .noHome }
    return "\(home)/.local/state/dhtd/\(port)"
  }

  /// The paths at which a client looks for the socket: the user's own nodes first, then the system's.
  package func controlSocketCandidates(_ context: Context) -> [String] {
    Self.runtimeRoots(context).map { "\($0)/\(port)/\(Self.socketName)" }
  }

  /// The directories with one directory for each running instance, in the order in which a client looks.
  package static func runtimeRoots(_ context: Context) -> [String] {
    if context.uid == 0 { return [systemRuntimeRoot] }
    // A daemon started outside a login session, for example by cron, has no XDG_RUNTIME_DIR.
    let own = userRuntimeRoot(context)
    let fallback = temporaryRuntimeRoot(context.uid)
    return own == fallback ? [own, systemRuntimeRoot] : [own, fallback, systemRuntimeRoot]
  }

  /// The directory in `/tmp` for a user without a runtime directory. Anyone can create a directory there, so
  /// both programs must check that it belongs to the user.
  package static func temporaryRuntimeRoot(_ uid: UInt32) -> String { "/tmp/dhtd-\(uid)" }

  private static func userRuntimeRoot(_ context: Context) -> String {
    context.directory("XDG_RUNTIME_DIR").map { "\($0)/dhtd" } ?? temporaryRuntimeRoot(context.uid)
  }

  /// The directory that systemd made for this service. If there are several, separated by colons, none of
  /// them is used.
  private func serviceDirectory(_ name: String, _ context: Context) -> String? {
    guard let path = context.directory(name), !path.contains(":") else { return nil }
    return path.hasSuffix("/\(port)") ? path : "\(path)/\(port)"
  }
}

/// A path that fits into the address of a Unix-domain socket.
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

/// The reason why an instance has no path.
package enum InstanceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Neither `XDG_STATE_HOME` nor `HOME` is set.
  case noHome
  /// The path of the socket is empty or contains a NUL.
  case emptySocketPath
  /// The path of the socket does not fit into a socket address.
  case socketPathTooLong(String)

  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .noHome:
      "no state directory, because HOME is not set; set HOME or XDG_STATE_HOME"
    case .emptySocketPath:
      "the path of the control socket is empty; name a file"
    case .socketPathTooLong(let path):
      "the path of the control socket has \(path.utf8.count) bytes, and Linux allows "
        + "\(ControlLimits.maxSocketPathBytes): '\(path)'; choose a shorter one"
    }
  }
}
