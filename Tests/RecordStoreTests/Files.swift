import Glibc
import SystemPackage
import TestSupport

@testable import Kademlia

/// A whole file.
func readFile(_ path: String) throws -> [UInt8] {
  let descriptor = open(path, O_RDONLY)
  guard descriptor >= 0 else { throw Errno(rawValue: errno) }
  defer { close(descriptor) }
  var status = stat()
  fstat(descriptor, &status)
  var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
  guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count else { throw Errno(rawValue: errno) }
  return bytes
}

/// Makes a file of these bytes, whatever was there.
func writeFile(_ path: String, _ bytes: [UInt8]) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  guard descriptor >= 0 else { throw Errno(rawValue: errno) }
  defer { close(descriptor) }
  guard write(descriptor, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
}

/// The names of the files in a directory.
func names(in path: String) -> [String] {
  var names: [String] = []
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// The descriptors of this process for a file: those that write through to the disk, or the others.
func descriptors(of path: String, synchronous: Bool) -> [Int32] {
  var file = stat()
  guard stat(path, &file) == 0 else { return [] }
  return (0..<256).filter { descriptor in
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_ino == file.st_ino, status.st_dev == file.st_dev else {
      return false
    }
    return (fcntl(descriptor, F_GETFL) & O_DSYNC != 0) == synchronous
  }
}

extension CommitID {
  static func test(_ number: Int) -> CommitID { CommitID(rawValue: UInt64(number)) }
}

/// A file system in memory that is soon full. It takes root's rights.
struct SmallDisk {
  let path: String

  static var isPossible: Bool {
    (try? withTemporaryDirectory { directory in try SmallDisk(at: directory, bytes: 1 << 20).unmount() })
      != nil
  }

  init(at path: String, bytes: Int) throws {
    self.path = path
    try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(bytes)", "tmpfs", path])
  }

  func resize(bytes: Int) throws {
    try Self.run(["mount", "-o", "remount,size=\(bytes)", path])
  }

  /// Also where something looks at it still: it goes when that has ended.
  func unmount() { try? Self.run(["umount", "--lazy", path]) }

  private static func run(_ words: [String]) throws {
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var process = pid_t()
    let code = posix_spawnp(&process, words[0], &actions, nil, &arguments, environ)
    guard code == 0 else { throw Errno(rawValue: code) }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    guard status == 0 else { throw Errno.notPermitted }
  }
}
