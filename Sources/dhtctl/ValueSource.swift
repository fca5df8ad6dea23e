import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// The source of a value.
enum ValueSource {
  case literal([UInt8])
  case standardInput
  case file(String)

  init(_ argument: String) {
    if argument == "-" {
      self = .standardInput
    } else if argument.hasPrefix("@") {
      self = .file(String(argument.dropFirst()))
    } else {
      self = .literal(Array(argument.utf8))
    }
  }

  /// The bytes of the value. At most a request's worth is read.
  func read() throws(Failure) -> [UInt8] {
    switch self {
    case .literal(let bytes): return bytes
    case .standardInput: return try Self.read(STDIN_FILENO, "standard input")
    case .file(let path):
      let name = "'\(TerminalText.escaped(path))'"
      // The pointer to the path is used only during the call.
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Self.unreadable(name) }
      defer { close(descriptor) }
      return try Self.read(descriptor, name)
    }
  }

  private static func read(_ descriptor: Int32, _ name: String) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      guard let piece = Descriptor.read(descriptor) else { throw unreadable(name) }
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= ControlLimits.maxLineBytes else {
        throw Failure(
          .failed, "\(name) has more than \(ControlLimits.maxLineBytes) bytes; a value must be shorter",
          reason: "too_large")
      }
    }
  }

  private static func unreadable(_ name: String) -> Failure {
    let cause = Errno.current
    return Failure(
      .failed, "cannot read \(name): \(cause); a value that begins with @ needs --literal", reason: "input")
  }
}

/// Reads from files and pipes.
enum Descriptor {
  /// The next input: empty at the end, nil if reading fails, with the cause in `errno`.
  static func read(_ descriptor: Int32) -> [UInt8]? {
    var failed = false
    // The call has initialized the first `count` bytes, and never reads more than fit.
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
      while true {
        count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 { return }
        count = 0
        switch errno {
        case EINTR: continue
        case EAGAIN:
          // The descriptor was inherited in non-blocking mode.
          var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
          _ = unsafe poll(&ready, 1, -1)
        default:
          failed = true
          return
        }
      }
    }
    return failed ? nil : piece
  }
}
