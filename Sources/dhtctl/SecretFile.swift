import ControlProtocol
import Glibc
import Platform
import Signatures
import SystemPackage

/// Reads secrets from files and from the terminal.
enum SecretFile {
  /// The key in a file of `key generate`.
  static func key(in path: String) throws(Failure) -> SigningKey {
    guard let seed = Hex.bytes(String(decoding: try firstLine(of: path), as: UTF8.self)),
      let key = SigningKey(seed: seed)
    else {
      throw Failure(
        .failed, "\(quoted(path)) does not hold a key; create one with 'dhtctl key generate FILE'",
        reason: "input")
    }
    return key
  }

  /// Creates a file that only its owner can read. An existing file is not changed.
  static func write(_ key: SigningKey, to path: String) throws(Failure) {
    // The pointers to the path and the line are used only during the calls.
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let cause = Errno.current
      throw Failure(
        .failed, "cannot create \(quoted(path)): \(cause); choose a file that does not exist yet",
        reason: "output")
    }
    let line = Array((Hex.string(key.seed) + "\n").utf8)
    let isWritten = unsafe Glibc.write(descriptor, line, line.count) == line.count && fsync(descriptor) == 0
    let cause = Errno.current
    close(descriptor)
    guard isWritten else {
      unsafe unlink(path)
      throw Failure(
        .failed, "cannot write \(quoted(path)): \(cause); check the free space of its disk", reason: "output")
    }
  }

  /// A passphrase: the first line of a file, or a line typed at the terminal.
  ///
  /// - Parameter isNew: whether to ask for it twice, because a typing error would make the value unreadable.
  static func passphrase(in path: String?, isNew: Bool) throws(Failure) -> [UInt8] {
    let passphrase: [UInt8]
    if let path {
      passphrase = try firstLine(of: path)
    } else {
      passphrase = try typed("Passphrase: ")
      if isNew, try typed("Repeat it: ") != passphrase {
        throw Failure(.failed, "the two passphrases differ; try again", reason: "input")
      }
    }
    guard !passphrase.isEmpty else {
      throw Failure(.failed, "the passphrase is empty; choose a long one", reason: "input")
    }
    return passphrase
  }

  private static func firstLine(of path: String) throws(Failure) -> [UInt8] {
    line(try contents(of: path))
  }

  /// The first 64 KiB of a file, which is more than any secret has. A file that others can read is rejected.
  static func contents(of path: String) throws(Failure) -> [UInt8] {
    // The pointers to the path and the status are used only during the calls.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    var content: [UInt8]?
    if descriptor >= 0 {
      defer { close(descriptor) }
      var status = stat()
      if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        status.st_mode & 0o077 != 0
      {
        throw Failure(
          .failed,
          "others can read \(quoted(path)); change it with 'chmod 600', and use another secret if anyone may have read it",
          reason: "input")
      }
      content = Descriptor.read(descriptor)
    }
    guard let content else {
      let cause = Errno.current
      throw Failure(.failed, "cannot read \(quoted(path)): \(cause)", reason: "input")
    }
    return content
  }

  private static func line(_ content: [UInt8]) -> [UInt8] {
    var line = Array(content.prefix { $0 != UInt8(ascii: "\n") })
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return line
  }

  private static func typed(_ prompt: String) throws(Failure) -> [UInt8] {
    guard let line = HiddenLine.read(prompt: prompt) else {
      throw Failure(
        .failed, "no terminal to ask for the passphrase; give --passphrase-file FILE",
        reason: "input")
    }
    return Self.line(line)
  }

  private static func quoted(_ path: String) -> String { "'\(TerminalText.escaped(path))'" }
}
