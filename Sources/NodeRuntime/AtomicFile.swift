import Glibc
import Platform
import SystemPackage

/// Small files that are read and written as a whole.
enum AtomicFile {
  /// The reason why a file could not be read or written.
  struct Failure: Error, Hashable, Sendable {
    let path: String
    let errno: Errno
  }

  /// Reads a file, or its first `limit` bytes; nil if there is no file, or `isWanted` rejects it.
  ///
  /// - Parameters:
  ///   - flags: further flags for open(2).
  ///   - isWanted: called with the file's status before it is read.
  static func read(
    _ path: String, limit: Int, flags: Int32 = O_NOFOLLOW, isWanted: (stat) -> Bool = { _ in true }
  ) throws(Failure) -> [UInt8]? {
    // Each read is at most as long as the rest of the buffer, and the system calls keep no pointer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags)
    guard descriptor >= 0 else {
      let cause = Errno.current
      if cause == .noSuchFileOrDirectory { return nil }
      throw Failure(path: path, errno: cause)
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw Failure(path: path, errno: .current) }
    guard isWanted(status) else { return nil }
    var bytes = [UInt8](repeating: 0, count: limit)
    var count = 0
    while count < limit {
      let got = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), limit - count)
      }
      if got < 0, Errno.current == .interrupted { continue }
      guard got >= 0 else { throw Failure(path: path, errno: .current) }
      if got == 0 { break }
      count += got
    }
    return Array(bytes.prefix(count))
  }

  /// Writes a file atomically, readable by its owner alone.
  static func write(_ bytes: [UInt8], to path: String) throws(Failure) {
    // Each write is at most as long as the rest of the bytes, and the system calls keep no pointer.
    let temporary = path + ".new"
    // A file that an earlier attempt left may have another mode.
    unsafe unlink(temporary)
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw Failure(path: temporary, errno: .current) }
    var written = 0
    while written < bytes.count {
      let put = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if put < 0, Errno.current == .interrupted { continue }
      guard put > 0 else {
        let cause = Errno.current
        close(descriptor)
        unsafe unlink(temporary)
        throw Failure(path: temporary, errno: cause)
      }
      written += put
    }
    let isSynced = fsync(descriptor) == 0
    close(descriptor)
    guard isSynced, unsafe rename(temporary, path) == 0 else { throw Failure(path: path, errno: .current) }
    // The new name is durable only once its directory is.
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = unsafe open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }
}
