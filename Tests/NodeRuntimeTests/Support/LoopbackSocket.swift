import Glibc
import Kademlia
import SystemPackage

@testable import NodeRuntime

/// A UDP socket on loopback. A datagram is available as soon as its sending has returned, so no test waits.
final class LoopbackSocket {
  private let descriptor: Int32
  let endpoint: Endpoint

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    let address = Endpoint(.v4(0x7F00_0001), port: 0)
    guard address.withSocketAddress({ [descriptor] in bind(descriptor, $0, $1) }) == 0,
      let bound = Endpoint(boundTo: descriptor)
    else { throw Errno(rawValue: errno) }
    endpoint = bound
  }

  deinit { close(descriptor) }

  /// Sends to one endpoint from now on, and receives from it alone.
  func connect(to endpoint: Endpoint) {
    _ = endpoint.withSocketAddress { [descriptor] in Glibc.connect(descriptor, $0, $1) }
  }

  /// Sends a datagram to the endpoint that the socket is connected to.
  func send(_ datagram: [UInt8]) {
    _ = Glibc.send(descriptor, datagram, datagram.count, 0)
  }

  /// The next datagram; nil if there is none.
  func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count < 0 ? nil : Array(buffer.prefix(count))
  }

  /// All datagrams that are there, as text.
  func receiveAll() -> [String] {
    var texts: [String] = []
    while let datagram = receive() { texts.append(String(decoding: datagram, as: UTF8.self)) }
    return texts
  }
}
