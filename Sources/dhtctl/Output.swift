import Glibc
import Platform
import SystemPackage

/// Standard output, buffered into few writes.
struct Output {
  private var pending: [UInt8] = []

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  mutating func write(_ text: String) throws(Failure) { try write(Array(text.utf8)) }

  mutating func write(_ bytes: [UInt8]) throws(Failure) {
    pending += bytes
    if pending.count > 64 * 1024 { try flush() }
  }

  mutating func flush() throws(Failure) {
    defer { pending.removeAll(keepingCapacity: true) }
    guard Self.writeAll(pending, to: STDOUT_FILENO) else {
      let cause = Errno.current
      throw Failure(.failed, "cannot write the output: \(cause); check its destination", reason: "output")
    }
  }

  /// Prints a line on standard error.
  static func printError(_ line: String) { printNote("\(line)\n") }

  /// Prints text beside the result, unchanged, on standard error.
  static func printNote(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    // Each call reads at most the rest of the bytes, and keeps no pointer.
    unsafe bytes.withUnsafeBytes { buffer in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        let count = unsafe Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          unsafe rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
          // The descriptor was inherited in non-blocking mode.
          var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = unsafe poll(&ready, 1, -1)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }
}
