import Glibc
package import Sealing
package import SystemPackage

/// Where the keys of a private network are: in a file, or in a credential that the service manager hands
/// over (systemd.exec(5), `LoadCredential=`).
package struct KeySource: Hashable, Sendable {
  /// The credential that is looked for where no file is named, and the name of the setting for one.
  package static let credential = "network.keys"

  /// The file.
  package let path: String
  /// Whether it is a credential: the service manager guards it, and it cannot be written.
  package let isCredential: Bool

  /// The file that is named, else the credential, if there is one; nil: the network is open.
  package init?(named path: String?, environment: [String: String]) {
    if let path {
      self.path = path
      isCredential = false
      return
    }
    guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else { return nil }
    let path = "\(directory)/\(Self.credential)"
    // One that is there and cannot be reached is a mistake, which is told when it is read.
    guard access(path, F_OK) == 0 || errno != ENOENT else { return nil }
    self.path = path
    isCredential = true
  }

  /// Reads the keys.
  ///
  /// - Throws: `KeySourceError`: too, where users of the machine could read the file who have no part in it.
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

  /// What is wrong with a file that the system says this of; nil if it may hold keys.
  private func problem(_ status: stat) -> KeySourceError? {
    guard status.st_mode & S_IFMT == S_IFREG else { return .notAFile(path: path) }
    // An access list for the service's user shows in the bits of the group.
    let open = status.st_mode & (isCredential ? 0o007 : 0o077)
    return open == 0 ? nil : .readableByOthers(path: path, mode: status.st_mode & 0o777)
  }

  /// Writes other keys into the file, which is there whole at any time. Its comments stay.
  ///
  /// - Throws: `KeySourceError`, and then it is as it was.
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
  /// Where the file is: where a link leads to it, the link stays.
  private var realPath: String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}

/// Why keys cannot be read or written.
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
  /// One line for a person, with what to do next. Nothing of a key is in it.
  package var description: String {
    switch self {
    case .unreadable(let path, .noSuchFileOrDirectory):
      "\(path): there is no such file with the network's keys; put there what 'dhtd --generate-key' prints, "
        + "or remove network.keys for an open network"
    case .unreadable(let path, let errno):
      "\(path): the network's keys cannot be read: \(errno); the user that the node runs as must "
        + "own the file"
    case .notAFile(let path):
      "\(path): it is not a file, and the network's keys must be in one"
    case .readableByOthers(let path, let mode):
      "\(path): with the mode 0\(String(mode, radix: 8)) others can read the network's keys; change it with "
        + "'chmod 600', and use another key if somebody may have read this one"
    case .tooLong(let path):
      "\(path): it has more than \(KeyFile.maxBytes >> 10) KiB, and is no file of keys"
    case .malformed(let path, let error):
      "\(path): \(error)"
    case .wrongKeys(let path, let error):
      "\(path): \(error)"
    case .unwritable(let path, let errno):
      "\(path) cannot be written: \(errno)"
    case .credential(let path):
      "\(path) is a credential, which a service cannot change"
    }
  }
}
