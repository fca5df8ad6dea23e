import Glibc

/// A node's directory for what outlives it, held by one dhtd at a time.
package final class StateDirectory: Sendable {
  /// Where it is, as it was given.
  package let path: String
  /// Holds the lock; the kernel lets go of it when the process ends, however it ends.
  private let lock: Int32

  /// Makes the directory if it is not there, and locks it.
  ///
  /// - Throws: `StateDirectoryError`.
  package init(_ path: String) throws(StateDirectoryError) {
    self.path = path
    try Self.make(path)
    let lockPath = path + "/lock"
    let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unusable(path: lockPath, reason: errorText()) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw code == EWOULDBLOCK
        ? .inUse(path: path) : .unusable(path: lockPath, reason: errorText(code))
    }
    lock = descriptor
  }

  deinit { close(lock) }

  private static func make(_ path: String) throws(StateDirectoryError) {
    guard !path.isEmpty else { throw .unusable(path: "''", reason: "it is no path") }
    var partial = path.hasPrefix("/") ? "/" : ""
    for component in path.split(separator: "/") {
      partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
      guard mkdir(partial, 0o700) != 0, errno != EEXIST else { continue }
      let code = errno
      // A parent that is there but may not be written to says EACCES or EROFS, and may yet do.
      var status = stat()
      if stat(partial, &status) != 0 { throw .unusable(path: partial, reason: errorText(code)) }
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .unusable(path: path, reason: "it is not a directory")
    }
  }

  /// Reads a whole small file of the directory; nil if there is none.
  package func read(_ name: String, limit: Int) throws(StateDirectoryError) -> [UInt8]? {
    let file = path + "/" + name
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .unusable(path: file, reason: errorText())
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    var count = 0
    while count < limit {
      let got = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), limit - count)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .unusable(path: file, reason: errorText()) }
      if got == 0 { break }
      count += got
    }
    return Array(bytes.prefix(count))
  }

  /// Writes a file that is there whole or not at all, readable by its owner alone.
  package func write(_ bytes: [UInt8], to name: String) throws(StateDirectoryError) {
    let file = path + "/" + name
    let temporary = file + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .unusable(path: temporary, reason: errorText()) }
    var written = 0
    while written < bytes.count {
      let put = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if put < 0, errno == EINTR { continue }
      guard put > 0 else {
        let reason = errorText()
        close(descriptor)
        unlink(temporary)
        throw .unusable(path: temporary, reason: reason)
      }
      written += put
    }
    let isSynced = fsync(descriptor) == 0
    close(descriptor)
    guard isSynced, rename(temporary, file) == 0 else {
      throw .unusable(path: file, reason: errorText())
    }
    // The new name is durable only once its directory is.
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }
}

/// Why a state directory cannot be used.
package enum StateDirectoryError: Error, Hashable, Sendable {
  case inUse(path: String)
  case unusable(path: String, reason: String)
  case damagedIdentity(path: String)
  case damagedRecordKey(path: String)
}

extension StateDirectoryError: CustomStringConvertible {
  /// One line for a person, with what to do next.
  package var description: String {
    switch self {
    case .inUse(let path):
      "another dhtd uses the state directory \(path); stop it or choose another with --state-dir"
    case .unusable(let path, let reason):
      "cannot use \(path): \(reason); mend that or choose another directory with --state-dir"
    case .damagedIdentity(let path):
      "\(path) is not a node's key; restore it from a copy, or remove it to start with a new node ID"
    case .damagedRecordKey(let path):
      "\(path) is not a key for records; restore it from a copy, or remove it to sign with a new one"
    }
  }
}

/// What an error number of the system means.
func errorText(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
