import Glibc
import Sealing
import SystemPackage
import TestSupport
import Testing

@testable import NodeRuntime

@Suite("The source of a network's keys") struct KeySourceTests {
  private func key() -> NetworkKey {
    var random = SystemRandomNumberGenerator()
    return NetworkKey(random: &random)
  }

  private func write(_ text: String, to path: String, mode: mode_t = 0o600) throws {
    try AtomicFile.write(Array(text.utf8), to: path)
    guard chmod(path, mode) == 0 else { throw Errno(rawValue: errno) }
  }

  @Test("keys are written so that they are read again, with their comments, by their owner alone")
  func writing() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/keys"
      let (old, new) = (key(), key())
      try write("# ours\n\(old.base64) # old\n", to: path, mode: 0o400)
      let source = try #require(KeySource(named: path, environment: [:]))
      #expect(try source.keyring(network: "n").keys == [old])
      try source.write([new, old])
      #expect(try source.keyring(network: "n").keys == [new, old])
      let text = try #require(try AtomicFile.read(path, limit: 1 << 16))
      #expect(String(decoding: text, as: UTF8.self) == "# ours\n\(new.base64)\n\(old.base64) # old\n")
      #expect(mode(of: path) == 0o600)
      #expect(access(path + ".new", F_OK) != 0)
    }
  }

  @Test("a link to the key file stays a link when the file is written")
  func link() throws {
    try withTemporaryDirectory { directory in
      let (path, link) = (directory + "/real", directory + "/link")
      let (old, new) = (key(), key())
      try write(old.base64, to: path)
      #expect(symlink(path, link) == 0)
      let source = try #require(KeySource(named: link, environment: [:]))
      try source.write([new])
      #expect(try #require(KeySource(named: path, environment: [:])).keyring(network: "n").keys == [new])
      var status = stat()
      #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }
  }

  @Test(
    "a file that others can read is refused by its mode",
    arguments: [0o604, 0o640, 0o644, 0o660, 0o601] as [mode_t])
  func readable(mode: mode_t) throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/keys"
      try write(key().base64, to: path, mode: mode)
      let source = try #require(KeySource(named: path, environment: [:]))
      #expect(throws: KeySourceError.readableByOthers(path: path, mode: mode)) {
        try source.keyring(network: "n")
      }
    }
  }

  @Test("other things than key files are refused: a pipe, a directory, a huge file, too many keys")
  func refusals() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/keys"
      let source = try #require(KeySource(named: path, environment: [:]))
      #expect(throws: KeySourceError.unreadable(path: path, errno: .noSuchFileOrDirectory)) {
        try source.keyring(network: "n")
      }
      #expect(mkfifo(path, 0o600) == 0)
      #expect(throws: KeySourceError.notAFile(path: path)) { try source.keyring(network: "n") }
      unlink(path)
      #expect(mkdir(path, 0o700) == 0)
      #expect(throws: KeySourceError.notAFile(path: path)) { try source.keyring(network: "n") }
      rmdir(path)
      try write(String(repeating: "#", count: KeyFile.maxBytes + 1), to: path)
      #expect(throws: KeySourceError.tooLong(path: path)) { try source.keyring(network: "n") }
      try write((0...Keyring.maxKeys).map { _ in key().base64 + "\n" }.joined(), to: path)
      #expect(throws: KeySourceError.wrongKeys(path: path, .tooMany)) { try source.keyring(network: "n") }
    }
  }

  @Test("a credential is used if no file is named, may be readable by an access list, and is not written")
  func credential() throws {
    try withTemporaryDirectory { directory in
      let environment = ["CREDENTIALS_DIRECTORY": directory]
      #expect(KeySource(named: nil, environment: environment) == nil)
      #expect(KeySource(named: nil, environment: [:]) == nil)
      let path = directory + "/network.keys"
      let key = key()
      try write(key.base64, to: path, mode: 0o440)
      let source = try #require(KeySource(named: nil, environment: environment))
      #expect(source.isCredential && source.path == path)
      #expect(try source.keyring(network: "n").keys == [key])
      #expect(throws: KeySourceError.credential(path: path)) { try source.write([key]) }
      #expect(KeySource(named: "/other", environment: environment)?.path == "/other")
      #expect(chmod(path, 0o444) == 0)
      #expect(throws: KeySourceError.readableByOthers(path: path, mode: 0o444)) {
        try source.keyring(network: "n")
      }
    }
  }
}
