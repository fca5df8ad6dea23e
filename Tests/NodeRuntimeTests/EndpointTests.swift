import Glibc
import Kademlia
import Testing

@testable import NodeRuntime

@Suite("Endpoints and socket addresses")
struct EndpointTests {
  @Test(
    "an endpoint goes into a socket address and back",
    arguments: ["127.0.0.1", "255.0.255.1", "::1", "2001:db8::8:800:200c:417a"])
  func roundTrip(host: String) throws {
    let address = try #require(IPAddress(host))
    #expect(address.description == host)
    let endpoint = Endpoint(address, port: 8001)
    #expect(endpoint.withSocketAddress { address, _ in Endpoint(address) } == endpoint)
    let length = endpoint.withSocketAddress { _, length in length }
    #expect(length == (host.contains(":") ? 28 : 16))
  }

  @Test("an IPv4 address in IPv6 form is an IPv4 address")
  func mapped() throws {
    #expect(IPAddress("::ffff:192.0.2.7") == IPAddress("192.0.2.7"))
    var address = sockaddr_in6(Endpoint(.v6(0, 1), port: 1))
    withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
      for (offset, byte) in [0xFF, 0xFF, 192, 0, 2, 7].enumerated() { bytes[10 + offset] = UInt8(byte) }
    }
    #expect(Endpoint(address)?.description == "192.0.2.7:1")
  }

  @Test("a text without an address or port is rejected")
  func neither() throws {
    for text in ["", "localhost", "1.2.3", "1.2.3.4.5", "::1%lo", "[::1]", "1.2.3.4 "] {
      #expect(IPAddress(text) == nil, "\(text)")
    }
    #expect(Endpoint(sockaddr_in(Endpoint(.v4(1), port: 0))) == nil)
    var local = sockaddr(sa_family: sa_family_t(AF_UNIX), sa_data: sockaddr().sa_data)
    #expect(Endpoint(&local) == nil)
  }
}
