import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// The socket file of a daemon, from its creation to its removal.
///
/// Its `unsafe` calls pass pointers to paths, addresses and statuses, which are used only during the calls.
struct ControlSocketFile: Sendable {
  let path: String
  /// The listening socket. The server that uses it closes it.
  let descriptor: Int32
  /// The identity of the file, so that no other file is removed.
  private let device: dev_t
  private let inode: ino_t

  private static let backlog: Int32 = 64

  /// Creates the socket and listens on it. Missing directories are created.
  ///
  /// A file that a dead daemon left behind is replaced. A file at which a process listens is not.
  ///
  /// - Parameters:
  ///   - mode: the permissions of the file.
  ///   - group: its group. The default group is skipped if it does not exist, or the file cannot be given
  ///     to it.
  /// - Throws: `ControlSocketError`.
  init(_ socketPath: SocketPath, mode: Int, group: String) throws(ControlSocketError) {
    path = socketPath.string
    try Self.makeDirectory(of: path)
    try Self.refuseIfAlive(socketPath)
    // The socket is bound under a temporary name and renamed when its mode is right. No client meets it half
    // made, and a stale file is replaced in the same step.
    let temporary = path + ".\(getpid())"
    let excess = temporary.utf8.count - ControlLimits.maxSocketPathBytes
    guard excess <= 0 else {
      throw .unusable(path: path, reason: "the path is \(excess) bytes too long")
    }
    unsafe unlink(temporary)
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw .unusable(path: path, reason: Errno.current.description) }
    var status = stat()
    guard unsafe Self.withAddress(temporary, { unsafe bind(listener, $0, $1) }) == 0,
      unsafe chmod(temporary, mode_t(truncatingIfNeeded: mode)) == 0,
      listen(listener, Self.backlog) == 0,
      unsafe stat(temporary, &status) == 0
    else { throw Self.failed(listener, temporary, path) }
    do throws(ControlSocketError) {
      try Self.give(temporary, to: group, path)
    } catch {
      close(listener)
      unsafe unlink(temporary)
      throw error
    }
    guard unsafe rename(temporary, path) == 0 else { throw Self.failed(listener, temporary, path) }
    descriptor = listener
    device = status.st_dev
    inode = status.st_ino
  }

  /// Removes the file if it still belongs to this socket.
  func remove() {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
    unsafe unlink(path)
  }

  /// Gives the socket file to a group.
  private static func give(_ file: String, to group: String, _ path: String) throws(ControlSocketError) {
    let isDefault = group == ControlLimits.defaultGroup
    // Root shares with the default group if there is one. Other users have no group to share with.
    if isDefault, geteuid() != 0 { return }
    // The entry is valid until the next call, and nothing else in the program looks up a group.
    guard let entry = unsafe getgrnam(group) else {
      if isDefault { return }
      throw .unusable(path: path, reason: "no such group '\(group)' (control_group)")
    }
    guard unsafe chown(file, uid_t.max, entry.pointee.gr_gid) != 0, !isDefault else { return }
    throw .unusable(
      path: path, reason: "it cannot be given to the group '\(group)' (control_group): \(Errno.current)")
  }

  private static func failed(
    _ descriptor: Int32, _ temporary: String, _ path: String
  ) -> ControlSocketError {
    let reason = Errno.current.description
    close(descriptor)
    unsafe unlink(temporary)
    return .unusable(path: path, reason: reason)
  }

  private static func refuseIfAlive(_ path: SocketPath) throws(ControlSocketError) {
    var status = stat()
    guard unsafe lstat(path.string, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw .unusable(path: path.string, reason: "a file that is not a socket is in the way")
    }
    // Non-blocking: a daemon that hangs with a full backlog is alive, and this process must not hang with
    // it.
    let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let probe = socket(AF_UNIX, Int32(kind), 0)
    guard probe >= 0 else { throw .unusable(path: path.string, reason: Errno.current.description) }
    defer { close(probe) }
    // Only "connection refused" shows that no process listens. A daemon that is busy, or that this process
    // may not connect to, is alive.
    if unsafe withAddress(path.string, { unsafe connect(probe, $0, $1) }) == 0 || errno != ECONNREFUSED {
      throw .inUse(path: path.string)
    }
  }

  /// Makes the directories above the socket. A directory directly below /tmp must belong to this user,
  /// because anyone could have created it.
  private static func makeDirectory(of path: String) throws(ControlSocketError) {
    let components = path.split(separator: "/").dropLast()
    if path.hasPrefix("/"), components.first == "tmp", components.count > 1 {
      let own = "/tmp/" + components[1]
      try make("/tmp", mode: 0o755)
      try make(own, mode: 0o700)
      var status = stat()
      guard unsafe lstat(own, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
        status.st_uid == geteuid() || status.st_uid == 0, status.st_mode & 0o022 == 0
      else {
        throw .unusable(
          path: own, reason: "it must be a directory that belongs to you and that only you can write to")
      }
    }
    try make((path.hasPrefix("/") ? "/" : "./") + components.joined(separator: "/"), mode: 0o755)
  }

  private static func make(_ directory: String, mode: mode_t) throws(ControlSocketError) {
    do throws(DirectoryError) {
      try Directory.make(directory, mode: mode)
    } catch {
      throw .unusable(path: error.path, reason: error.errno.description)
    }
  }

  /// Calls `body` with the address of a path, which `SocketPath` has checked to fit. The closure must not keep the
  /// pointer.
  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      unsafe bytes.copyBytes(from: path.utf8.prefix(ControlLimits.maxSocketPathBytes))
    }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// The reason why a control socket cannot be made.
package enum ControlSocketError: Error, Hashable, Sendable {
  case inUse(path: String)
  case unusable(path: String, reason: String)
}

extension ControlSocketError: CustomStringConvertible {
  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .inUse(let path):
      "another dhtd listens on \(path); stop it or choose another path with --control-socket"
    case .unusable(let path, let reason):
      "cannot make the control socket at \(path): \(reason); "
        + "fix that or choose another path with --control-socket"
    }
  }
}
