import Glibc
import Platform
import SystemPackage

/// The directory of a node's persistent state, used by one dhtd at a time.
package final class StateDirectory: Sendable {
  /// The path, as it was given.
  package let path: String
  /// The descriptor with the lock, which the kernel releases when the process ends.
  private let lock: Int32

  /// Creates the directory if it is missing, and locks it.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(_ path: String) throws(StateDirectoryError) {
    self.path = path
    try Self.make(path)
    let lockPath = path + "/lock"
    // The pointer to the path is used only during the call.
    let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unusable(path: lockPath, reason: Errno.current.description) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let cause = Errno.current
      close(descriptor)
      throw cause == .wouldBlock
        ? .inUse(path: path) : .unusable(path: lockPath, reason: cause.description)
    }
    lock = descriptor
  }

  deinit { close(lock) }

  private static func make(_ path: String) throws(StateDirectoryError) {
    guard !path.isEmpty else { throw .unusable(path: "''", reason: "the path is empty") }
    do throws(DirectoryError) {
      try Directory.make(path, mode: 0o700)
    } catch {
      throw .unusable(path: error.path, reason: error.errno.description)
    }
    var status = stat()
    // The system writes one `stat`.
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .unusable(path: path, reason: "it is not a directory")
    }
  }

  /// Reads a small file of the directory; nil if there is none.
  package func read(_ name: String, limit: Int) throws(StateDirectoryError) -> [UInt8]? {
    do throws(AtomicFile.Failure) {
      return try AtomicFile.read(path + "/" + name, limit: limit)
    } catch {
      throw StateDirectoryError(error)
    }
  }

  /// Writes a file atomically, readable by its owner alone.
  package func write(_ bytes: [UInt8], to name: String) throws(StateDirectoryError) {
    do throws(AtomicFile.Failure) {
      try AtomicFile.write(bytes, to: path + "/" + name)
    } catch {
      throw StateDirectoryError(error)
    }
  }
}

extension StateDirectoryError {
  fileprivate init(_ failure: AtomicFile.Failure) {
    self = .unusable(path: failure.path, reason: failure.errno.description)
  }
}

/// The reason why a state directory cannot be used.
package enum StateDirectoryError: Error, Hashable, Sendable {
  case inUse(path: String)
  case unusable(path: String, reason: String)
  case damagedIdentity(path: String)
  case damagedRecordKey(path: String)
  case isPrivate(path: String, network: String)
}

extension StateDirectoryError: CustomStringConvertible {
  /// A line that says what to do next.
  package var description: String {
    switch self {
    case .inUse(let path):
      "another dhtd uses the state directory \(path); stop it or choose another with --state-dir"
    case .unusable(let path, let reason):
      "cannot use \(path): \(reason); fix that or choose another directory with --state-dir"
    case .damagedIdentity(let path):
      "\(path) is not a node's key; restore it from a backup, or remove it to start with a new node ID"
    case .isPrivate(let path, let network):
      "this node was in the private network '\(network)' and has no keys now: give it network.keys or its "
        + "credential, or remove \(path) to take its records and contacts into an open network"
    case .damagedRecordKey(let path):
      "\(path) is not a key for records; restore it from a backup, or remove it to sign with a new one"
    }
  }
}
