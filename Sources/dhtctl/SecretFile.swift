import ControlProtocol
import Glibc
import Platform
import Signatures
import SystemPackage

/// Files with a secret in them, and a secret that a person types.
enum SecretFile {
  /// The key in a file that `key generate` made.
  static func key(in path: String) throws(Failure) -> SigningKey {
    guard let seed = Hex.bytes(String(decoding: try firstLine(of: path), as: UTF8.self)),
      let key = SigningKey(seed: seed)
    else {
      throw Failure(
        .failed, "\(quoted(path)) holds no key; make one with 'dhtctl key generate FILE'", reason: "input")
    }
    return key
  }

  /// Makes a file that only its owner can read. One that is there stays as it is.
  static func write(_ key: SigningKey, to path: String) throws(Failure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let cause = Errno.current
      throw Failure(
        .failed, "cannot make \(quoted(path)): \(cause); choose a file that is not there yet",
        reason: "output")
    }
    let line = Array((Hex.string(key.seed) + "\n").utf8)
    let isWritten = Glibc.write(descriptor, line, line.count) == line.count && fsync(descriptor) == 0
    let cause = Errno.current
    close(descriptor)
    guard isWritten else {
      unlink(path)
      throw Failure(
        .failed, "cannot write \(quoted(path)): \(cause); see that its disk has room", reason: "output")
    }
  }

  /// A passphrase: the first line of a file, or what is typed at the terminal.
  ///
  /// - Parameter isNew: it is asked for twice, for a mistake would hide the value for good.
  static func passphrase(in path: String?, isNew: Bool) throws(Failure) -> [UInt8] {
    let passphrase: [UInt8]
    if let path {
      passphrase = try firstLine(of: path)
    } else {
      passphrase = try typed("Passphrase: ")
      if isNew, try typed("The same again: ") != passphrase {
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

  /// What is in a file, or its first 64 KiB, which is more than any secret has. One that others can read is refused.
  static func contents(of path: String) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    var content: [UInt8]?
    if descriptor >= 0 {
      defer { close(descriptor) }
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 {
        throw Failure(
          .failed,
          "others can read \(quoted(path)); change it with 'chmod 600', and use another secret if they may have",
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
        .failed, "there is no terminal to ask for the passphrase on; give --passphrase-file FILE",
        reason: "input")
    }
    return Self.line(line)
  }

  private static func quoted(_ path: String) -> String { "'\(TerminalText.escaped(path))'" }
}
