import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// A connection to a daemon's control socket. Every wait has a time limit.
struct DaemonConnection: ~Copyable {
  /// The reason why there is no connection.
  enum ConnectError: Error {
    /// There is no socket, or no process listens on it.
    case noDaemon
    case noPermission
    case other(String)
  }

  /// The descriptor, for `poll` beside others.
  let descriptor: Int32
  private var input = ClientLineBuffer(limit: ControlLimits.maxAnswerBytes)
  private var output: [UInt8] = []
  private var sent = 0

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Connects. It waits only if the daemon is busy, and at most for `timeout`.
  static func open(_ path: SocketPath, timeout: Duration) throws(ConnectError) -> DaemonConnection {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .other(Errno.current.description) }
    // The connection owns the descriptor from here on, and closes it.
    let connection = DaemonConnection(descriptor: descriptor)
    // Connecting to a socket with a full queue waits as long as a send may wait.
    let (seconds, attoseconds) = timeout.components
    var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    // The system reads one `timeval`.
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    while connect(descriptor, to: path) != 0 {
      switch Errno.current {
      case .interrupted: continue
      case .noSuchFileOrDirectory, .connectionRefused, .notDirectory: throw .noDaemon
      case .permissionDenied, .notPermitted: throw .noPermission
      case .wouldBlock: throw .other("dhtd accepts no more clients; try again later")
      case let cause: throw .other(cause.description)
      }
    }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return connection
  }

  deinit { close(descriptor) }

  private static func connect(_ descriptor: Int32, to path: SocketPath) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
      // A `SocketPath` is shorter than the field, which is filled with zeros.
      unsafe field.copyBytes(from: path.string.utf8)
    }
    // Every socket address begins with the fields of `sockaddr`. The pointer is used only during the call.
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        unsafe Glibc.connect(descriptor, rebound, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// True if there is output left to send.
  var hasOutput: Bool { sent < output.count }

  /// Queues a line for `send`.
  mutating func enqueue(_ line: [UInt8]) {
    if !hasOutput {
      output.removeAll(keepingCapacity: true)
      sent = 0
    }
    output += line
  }

  /// Sends as much as the daemon accepts now.
  mutating func send() throws(Failure) {
    while hasOutput {
      // The pointer to the bytes is used only during the call.
      let count = unsafe output[sent...].withUnsafeBytes { bytes in
        unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch Errno.current {
      case .interrupted: continue
      case .wouldBlock: return
      case .brokenPipe, .connectionReset:
        // The daemon may have sent the reason before it closed the connection, so the input is still read.
        sent = output.count
      case let cause: throw Self.lost(cause.description)
      }
    }
  }

  /// Reads the available input.
  mutating func receive() throws(Failure) {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = try receive(into: &piece, at: 0)
    input.append(piece[..<count])
  }

  /// Reads the available input into a buffer of the caller, without `nextLine`.
  /// - Parameter start: the offset in the buffer, after which everything is overwritten.
  /// - Returns: the number of bytes; 0 if there is no input or no room.
  func receive(into buffer: inout [UInt8], at start: Int) throws(Failure) -> Int {
    guard buffer.indices.contains(start) else { return 0 }
    // The room lies within the buffer, and the read is at most as long.
    let (count, cause) = unsafe buffer.withUnsafeMutableBytes { bytes -> (Int, Errno?) in
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
      var count = 0
      repeat {
        count = unsafe recv(descriptor, room.baseAddress, room.count, 0)
      } while count < 0 && errno == EINTR
      return (count, count < 0 ? .current : nil)
    }
    if count > 0 { return count }
    switch cause {
    case .wouldBlock: return 0
    case nil, .connectionReset: throw Self.lost("dhtd closed the connection before it answered")
    case let cause?: throw Self.lost(cause.description)
    }
  }

  /// The next complete line; nil if there is none yet.
  mutating func nextLine() throws(Failure) -> [UInt8]? {
    switch input.next() {
    case nil: nil
    case .text(let line): line
    case .tooLong: throw Self.answerTooLong
    }
  }

  static var answerTooLong: Failure {
    lost("an answer of dhtd is longer than \(ControlLimits.maxAnswerBytes) bytes")
  }

  private static func lost(_ what: String) -> Failure {
    Failure(
      .failed,
      "\(what); check its log and try again; requests that were running may or may not have been carried out",
      reason: "connection_lost")
  }
}

/// Waits for descriptors.
enum Poll {
  /// Waits for an event, a signal or the deadline.
  static func wait(_ descriptors: inout [pollfd], until deadline: ContinuousClock.Instant?) {
    var milliseconds: Int32 = -1
    if let deadline {
      let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
      // Rounded up, so that the deadline has passed when the wait ends.
      let wait = seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
      milliseconds = Int32(clamping: max(0, wait))
    }
    // The count is that of the array.
    if unsafe poll(&descriptors, nfds_t(descriptors.count), milliseconds) < 0 {
      for index in descriptors.indices { descriptors[index].revents = 0 }
    }
  }
}
