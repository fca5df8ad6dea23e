import Foundation

/// A UDP socket on loopback that speaks to a node byte by byte.
final class UDPClient {
  struct Failed: Error {
    let code: Int32
  }

  let descriptor: Int32
  private var isKept = false

  /// Binds a port; 0: any.
  /// - Parameter host: the last three bytes of an IPv4 address of loopback: 1 is 127.0.0.1.
  init(port: UInt16 = 0, family: Int32 = AF_INET, host: UInt32 = 1) throws {
    descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failed(code: errno) }
    let result = Self.withLoopback(port, family, host) { bind(descriptor, $0, $1) }
    guard result == 0 else { throw Failed(code: errno) }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  deinit { if !isKept { close(descriptor) } }

  func keepOpen() { isKept = true }

  /// The IPv4 port that it is bound to.
  var boundPort: UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  func send(_ bytes: [UInt8], to port: UInt16) {
    _ = Self.withLoopback(port, AF_INET) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
  }

  /// The next datagram that comes.
  func receive(within seconds: Double = 10) throws -> [UInt8] {
    let deadline = Deadline(within: seconds)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !deadline.isOver {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count >= 0 { return Array(buffer.prefix(count)) }
      _ = waitForAny([pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)], until: deadline)
    }
    throw TimedOut(what: "a datagram")
  }

  /// The next datagram that is an answer or an error. A node also pings whoever asks it; those queries
  /// are passed over.
  func receiveAnswer() throws -> [UInt8] {
    while true {
      let datagram = try receive()
      if !datagram.reversed().starts(with: "1:y1:qe".utf8.reversed()) { return datagram }
    }
  }

  /// Sends a query and reads its answer. Each byte becomes a character.
  func ask(_ port: UInt16, _ query: String) throws -> String {
    send(Array(query.utf8), to: port)
    return String(String.UnicodeScalarView(try receiveAnswer().map { Unicode.Scalar($0) }))
  }

  /// The datagrams that have come by now, without a wait.
  func datagramsAtHand() -> [[UInt8]] {
    var datagrams: [[UInt8]] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { return datagrams }
      datagrams.append(Array(buffer.prefix(count)))
    }
  }

  /// Throws away what has come.
  func drain() {
    _ = datagramsAtHand()
  }

  private static func withLoopback(
    _ port: UInt16, _ family: Int32, _ host: UInt32 = 1, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int
  ) -> Int {
    if family == AF_INET6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: (0x7F00_0000 | host).bigEndian)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func withLoopback(
    _ port: UInt16, _ family: Int32, _ host: UInt32 = 1,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    Int32(truncatingIfNeeded: withLoopback(port, family, host) { Int(body($0, $1)) as Int })
  }
}
