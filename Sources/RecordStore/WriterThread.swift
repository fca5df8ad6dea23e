import Glibc

/// Wakes a thread that waits for it; what is rung before the wait is not lost.
final class Bell: Sendable {
  private let reading: Int32
  private let writing: Int32

  /// - Throws: an error number.
  init() throws(LMDBError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw LMDBError(errno) }
    reading = ends[0]
    writing = ends[1]
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // A full pipe is rung enough.
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(reading)
    close(writing)
  }

  func ring() {
    var byte: UInt8 = 0
    while write(writing, &byte, 1) < 0, errno == EINTR {}
  }

  /// Returns once it was rung since the last return.
  func wait() {
    var bytes = [UInt8](repeating: 0, count: 256)
    while read(reading, &bytes, bytes.count) < 0, errno == EINTR {}
  }
}
