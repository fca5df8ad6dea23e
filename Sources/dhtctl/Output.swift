import Glibc
import Platform
import SystemPackage

/// Standard output, gathered into few writes.
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
      throw Failure(.failed, "cannot write the output: \(cause); see where it goes", reason: "output")
    }
  }

  /// One line on standard error.
  static func complain(_ line: String) { remark("\(line)\n") }

  /// What is beside the result, on standard error as it stands.
  static func remark(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno == EAGAIN {
          // Whoever gave us the descriptor made it non-blocking.
          var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&ready, 1, -1)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }
}
