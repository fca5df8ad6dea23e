import CDatagrams
import Glibc
import Kademlia
import Testing

@testable import NodeRuntime

@Suite("A UDP socket")
struct UDPSocketTests {
  @Test("an answer leaves from the address that was asked, at a wildcard address as at any other")
  func answersFromTheAddressAsked() throws {
    for bound in ["0.0.0.0", "127.0.0.3"] {
      let socket = try UDPSocket(bound, port: 0)
      let asked: [UInt32] = bound == "0.0.0.0" ? [0x7F00_0001, 0x7F00_0002, 0x7F00_00FF] : [0x7F00_0003]
      // Several ask at once, so that one call sends all answers.
      let clients = try asked.map { bits in
        let client = try LoopbackSocket()
        client.connect(to: Endpoint(.v4(bits), port: socket.endpoint.port))
        client.send([UInt8(truncatingIfNeeded: bits)])
        return client
      }
      try socket.read { datagram, source in
        let byte = datagram.unsafeLoad(as: UInt8.self)
        socket.send(to: source) { $0.append(byte) }
      }
      socket.flush()
      for (client, bits) in zip(clients, asked) {
        #expect(client.receive() == [UInt8(truncatingIfNeeded: bits)])
      }
      #expect(socket.droppedDatagrams == 0)
    }
  }

  @Test("a path to an endpoint is the latest one, and nothing is kept without need")
  func paths() {
    var paths = ReturnPaths()
    let source = Endpoint(.v4(0x0A00_0001), port: 7)
    paths.note(.init(), of: source)
    #expect(paths.path(to: source).has_address == 0)
    for low: UInt64 in [1, 2] {
      paths.note(.init(high: 0, low: low, interface: 0, has_address: 1), of: source)
      #expect(paths.path(to: source).low == low)
    }
    #expect(paths.path(to: Endpoint(.v4(0x0A00_0001), port: 8)).has_address == 0)
    // Any number of sources fits.
    for number: UInt32 in 0..<10_000 {
      paths.note(
        .init(high: 0, low: 3, interface: 0, has_address: 1), of: Endpoint(.v4(number), port: 9))
    }
    #expect(paths.path(to: Endpoint(.v4(9_999), port: 9)).low == 3)
  }
}
