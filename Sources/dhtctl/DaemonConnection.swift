import ControlProtocol
import Glibc
import Platform
import SystemPackage

/// A connection to a daemon's control socket: lines out, lines in, and never a wait without an end.
struct DaemonConnection: ~Copyable {
  /// Why there is no connection.
  enum Refusal: Error {
    /// There is no socket, or nobody listens on it.
    case noDaemon
    case noPermission
    case other(String)
  }

  /// For `poll`, beside another descriptor.
  let descriptor: Int32
  private var input = ClientLineBuffer(limit: ControlLimits.maxAnswerBytes)
  private var output: [UInt8] = []
  private var sent = 0

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Connects; waits only where the daemon has its hands full, and then at most as long as `timeout`.
  static func open(_ path: SocketPath, timeout: Duration) throws(Refusal) -> DaemonConnection {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .other(Errno.current.description) }
    // From here on the descriptor has an owner that closes it.
    let connection = DaemonConnection(descriptor: descriptor)
    // Connecting to a full queue waits as long as sending may.
    let (seconds, attoseconds) = timeout.components
    var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    while connect(descriptor, to: path) != 0 {
      switch Errno.current {
      case .interrupted: continue
      case .noSuchFileOrDirectory, .connectionRefused, .notDirectory: throw .noDaemon
      case .permissionDenied, .notPermitted: throw .noPermission
      case .wouldBlock: throw .other("dhtd takes no more clients; try again later")
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
    withUnsafeMutableBytes(of: &address.sun_path) { field in
      // A `SocketPath` is shorter than the field, which is all zeros.
      field.copyBytes(from: path.string.utf8)
    }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
        Glibc.connect(descriptor, rebound, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// Whether there is something left to send.
  var hasOutput: Bool { sent < output.count }

  /// Takes a line to be sent by `send`.
  mutating func enqueue(_ line: [UInt8]) {
    if !hasOutput {
      output.removeAll(keepingCapacity: true)
      sent = 0
    }
    output += line
  }

  /// Sends as much as the daemon takes now.
  mutating func send() throws(Failure) {
    while hasOutput {
      let count = output[sent...].withUnsafeBytes { bytes in
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch Errno.current {
      case .interrupted: continue
      case .wouldBlock: return
      case .brokenPipe, .connectionReset:
        // It may have said why before it closed; reading tells.
        sent = output.count
      case let cause: throw Self.lost(cause.description)
      }
    }
  }

  /// Reads what has come.
  mutating func receive() throws(Failure) {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = try receive(into: &piece, at: 0)
    input.append(piece[..<count])
  }

  /// Reads what has come into a buffer of the caller's, and leaves `nextLine` out of it.
  /// - Parameter start: where in the buffer it goes; what is there up to its end is written over.
  /// - Returns: how many bytes came; 0 where nothing has, or there is no room.
  func receive(into buffer: inout [UInt8], at start: Int) throws(Failure) -> Int {
    guard buffer.indices.contains(start) else { return 0 }
    let (count, cause) = buffer.withUnsafeMutableBytes { bytes -> (Int, Errno?) in
      let room = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
      var count = 0
      repeat {
        count = recv(descriptor, room.baseAddress, room.count, 0)
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

  /// A line that has come in full.
  mutating func nextLine() throws(Failure) -> [UInt8]? {
    switch input.next() {
    case nil: nil
    case .text(let line): line
    case .tooLong: throw Self.answerTooLong
    }
  }

  static var answerTooLong: Failure {
    lost("an answer of dhtd is over \(ControlLimits.maxAnswerBytes) bytes")
  }

  private static func lost(_ what: String) -> Failure {
    Failure(
      .failed, "\(what); look at its log, then try again: what was under way may or may not be done",
      reason: "connection_lost")
  }
}

/// Waits until a descriptor is ready.
enum Poll {
  /// Waits for any of the events; a signal or the deadline ends the wait too.
  static func wait(_ descriptors: inout [pollfd], until deadline: ContinuousClock.Instant?) {
    var milliseconds: Int32 = -1
    if let deadline {
      let (seconds, attoseconds) = (deadline - ContinuousClock.now).components
      // Rounded up, so that the deadline is over when the wait is.
      let wait = seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
      milliseconds = Int32(clamping: max(0, wait))
    }
    if poll(&descriptors, nfds_t(descriptors.count), milliseconds) < 0 {
      for index in descriptors.indices { descriptors[index].revents = 0 }
    }
  }
}
