import Glibc
import Kademlia
import SystemPackage
import Testing

@testable import NodeRuntime

@Suite("Sending datagrams")
struct DatagramSenderTests {
  /// A UDP socket on loopback that a test may block on for a while.
  private struct Socket: ~Copyable {
    let descriptor: Int32
    let endpoint: Endpoint

    init() throws {
      let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      self.descriptor = descriptor
      var address = sockaddr_in(Endpoint(.v4(0x7F00_0001), port: 0))
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
      }
      guard isBound, let endpoint = Endpoint(address) else { throw Errno(rawValue: errno) }
      self.endpoint = endpoint
      var patience = timeval(tv_sec: 10, tv_usec: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next datagram; nil if none comes.
    func receive() -> [UInt8]? {
      var buffer = [UInt8](repeating: 0, count: 2048)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      return count < 0 ? nil : Array(buffer.prefix(count))
    }
  }

  @Test("more datagrams than a call sends arrive complete and in order")
  func manyDatagrams() throws {
    let receiver = try Socket()
    let origin = try Socket()
    var sender = DatagramSender(origin.descriptor)
    let datagrams = (0..<150).map { [UInt8](repeating: UInt8($0), count: $0) }
    for datagram in datagrams { sender.add(to: receiver.endpoint) { $0 += datagram } }
    sender.flush()
    for datagram in datagrams { #expect(receiver.receive() == datagram) }
    #expect(sender.dropped == 0)
  }

  @Test("a datagram that cannot be sent does not affect the others")
  func unsendable() throws {
    let receiver = try Socket()
    let origin = try Socket()
    var sender = DatagramSender(origin.descriptor)
    // The broadcast address of loopback: the system forbids it to sockets that did not ask for it.
    let forbidden = Endpoint(.v4(0x7FFF_FFFF), port: 9)
    for number in UInt8(0)..<3 {
      sender.add(to: forbidden) { $0 += [number] }
      sender.add(to: receiver.endpoint) { $0 += [10 + number] }
    }
    sender.add(to: forbidden) { $0 += [3] }
    sender.flush()
    for number in UInt8(10)..<13 { #expect(receiver.receive() == [number]) }
    #expect(sender.dropped == 4)
  }
}
