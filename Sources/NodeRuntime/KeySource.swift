import Glibc
package import Sealing
package import SystemPackage

/// The source of a private network's keys: a file, or a credential that the service manager passes on
/// (systemd.exec(5), `LoadCredential=`).
package struct KeySource: Hashable, Sendable {
  /// The credential that is used if no file is named, and the name of the setting for a file.
  package static let credential = "network.keys"

  /// The file.
  package let path: String
  /// True if the source is a credential, which the service manager guards and which cannot be written.
  package let isCredential: Bool

  /// The named file, or the credential if there is one; nil if the network is open.
  package init?(named path: String?, environment: [String: String]) {
    if let path {
      self.path = path
      isCredential = false
      return
    }
    guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else { return nil }
    let path = "\(directory)/\(Self.credential)"
    // A credential that exists and cannot be accessed is an error, which is reported when it is read.
    // The pointer to the path is used only during the call.
    guard unsafe access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    self.path = path
    isCredential = true
  }

  /// Reads the keys.
  ///
  /// - Throws: `KeySourceError`, also if other users of the machine can read the file.
  package func keyring(network: String) throws(KeySourceError) -> Keyring {
    let keys = try read().keys
    do throws(KeyringError) {
      return try Keyring(network: network, keys: keys)
    } catch {
      throw .wrongKeys(path: path, error)
    }
  }

  private func read() throws(KeySourceError) -> KeyFile {
    var problem: KeySourceError?
    let bytes: [UInt8]?
    do throws(AtomicFile.Failure) {
      bytes = try AtomicFile.read(path, limit: KeyFile.maxBytes + 1, flags: 0) { status in
        problem = self.problem(status)
        return problem == nil
      }
    } catch {
      throw .unreadable(path: error.path, errno: error.errno)
    }
    if let problem { throw problem }
    guard let bytes else { throw .unreadable(path: path, errno: .noSuchFileOrDirectory) }
    guard bytes.count <= KeyFile.maxBytes else { throw .tooLong(path: path) }
    do throws(KeyFileError) {
      return try KeyFile(text: bytes)
    } catch {
      throw .malformed(path: path, error)
    }
  }

  /// The reason why a file with this status may not hold keys; nil if it may.
  private func problem(_ status: stat) -> KeySourceError? {
    guard status.st_mode & S_IFMT == S_IFREG else { return .notAFile(path: path) }
    // An access list for the service's user shows in the group bits.
    let open = status.st_mode & (isCredential ? 0o007 : 0o077)
    return open == 0 ? nil : .readableByOthers(path: path, mode: status.st_mode & 0o777)
  }

  /// Writes other keys into the file atomically. Its comments stay.
  ///
  /// - Throws: `KeySourceError`, in which case the file is unchanged.
  package func write(_ keys: [NetworkKey]) throws(KeySourceError) {
    guard !isCredential else { throw .credential(path: path) }
    let file = try read().holding(keys)
    do throws(AtomicFile.Failure) {
      try AtomicFile.write(Array(file.text.utf8), to: realPath)
    } catch {
      throw .unwritable(path: error.path, errno: error.errno)
    }
  }
}

extension KeySource {
  /// The path of the file itself. A link to it stays a link.
  private var realPath: String {
    // The path ends with a zero byte, belongs to this function, and is copied before it is freed.
    guard let real = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }
}

/// The reason why keys cannot be read or written.
package enum KeySourceError: Error, Hashable, Sendable {
  case unreadable(path: String, errno: Errno)
  case notAFile(path: String)
  case readableByOthers(path: String, mode: UInt32)
  case tooLong(path: String)
  case malformed(path: String, KeyFileError)
  case wrongKeys(path: String, KeyringError)
  case unwritable(path: String, errno: Errno)
  /// A credential cannot be written.
  case credential(path: String)
}

extension KeySourceError: CustomStringConvertible {
  /// A line that says what to do next. It contains no part of a key.
  package var description: String {
    switch self {
    case .unreadable(let path, .noSuchFileOrDirectory):
      "\(path): no such file with the network's keys; create it with the output of 'dhtd --generate-key', "
        + "or remove network.keys for an open network"
    case .unreadable(let path, let errno):
      "\(path): cannot read the network's keys: \(errno); the user that the node runs as must "
        + "own the file"
    case .notAFile(let path):
      "\(path): not a regular file; the network's keys must be in a file"
    case .readableByOthers(let path, let mode):
      "\(path): others can read the network's keys (mode 0\(String(mode, radix: 8))); change it with "
        + "'chmod 600', and use another key if anyone may have read this one"
    case .tooLong(let path):
      "\(path): larger than \(KeyFile.maxBytes >> 10) KiB; this is not a key file"
    case .malformed(let path, let error):
      "\(path): \(error)"
    case .wrongKeys(let path, let error):
      "\(path): \(error)"
    case .unwritable(let path, let errno):
      "cannot write \(path): \(errno)"
    case .credential(let path):
      "\(path) is a credential, which a service cannot change"
    }
  }
}
