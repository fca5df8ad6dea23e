import Kademlia
import NIOCore
import Testing

@testable import NodeRuntime

@Suite("Endpoints and socket addresses")
struct EndpointTests {
  @Test(
    "an endpoint has the address and the port of its socket address",
    arguments: ["127.0.0.1", "255.0.255.1", "::1", "2001:db8::8:800:200c:417a"])
  func reading(host: String) throws {
    let endpoint = try #require(Endpoint(try SocketAddress(ipAddress: host, port: 8001)))
    #expect(endpoint.address.description == host)
    #expect(endpoint.port == 8001)
  }

  @Test("an IPv4 address in IPv6 form is an IPv4 address")
  func mapped() throws {
    let address = try SocketAddress(ipAddress: "::ffff:192.0.2.7", port: 1)
    #expect(Endpoint(address)?.description == "192.0.2.7:1")
  }

  @Test("what has no port is no endpoint")
  func noPort() throws {
    #expect(Endpoint(try SocketAddress(ipAddress: "127.0.0.1", port: 0)) == nil)
    #expect(Endpoint(try SocketAddress(unixDomainSocketPath: "/tmp/x")) == nil)
  }
}
