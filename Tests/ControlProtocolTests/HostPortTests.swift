import ControlProtocol
import Testing

/// An address that the test knows to be right.
func address(_ text: String) -> HostPort {
  do {
    return try HostPort(text)
  } catch {
    Issue.record("\(error)")
    preconditionFailure("\(error)")
  }
}

@Suite("Addresses")
struct HostPortTests {
  @Test(
    "an address is read and written back",
    arguments: [
      ("192.0.2.7:8001", "192.0.2.7", 8001), ("[::1]:1", "::1", 1),
      ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
      ("node-1.example_x.org:80", "node-1.example_x.org", 80),
      ("[::ffff:192.0.2.7]:9", "::ffff:192.0.2.7", 9), ("localhost:8001", "localhost", 8001),
    ] as [(String, String, UInt16)])
  func parses(_ text: String, _ host: String, _ port: UInt16) throws {
    let address = try HostPort(text)
    #expect(address.host == host)
    #expect(address.port == port)
    #expect(address.description == text)
  }

  @Test(
    "the error for anything else shows a valid address",
    arguments: [
      "", ":", "host", "host:", ":8001", "host:0", "host:65536", "host:99999", "host:+80", "host:-1",
      "host: 80",
      "host:8 0", "::1:8001", "::1", "[::1]", "[::1]:", "[]:1", "[host]:1", "[::1:1", "::1]:1", "a b:1",
      "a\u{1B}:1", "ä:1", "-a:1", "[::1%]:1", "[::1%a%b]:1", "http://a:1", "host:８０", "host:080000",
    ])
  func refuses(_ text: String) {
    let error = #expect(throws: HostPortError.self) { try HostPort(text) }
    #expect(error?.description.contains("HOST:PORT or [IPv6]:PORT") == true)
  }

  @Test("an endless address is not repeated in the error")
  func endless() {
    let error = #expect(throws: HostPortError.self) { try HostPort(String(repeating: "a", count: 100_000)) }
    #expect((error?.description.utf8.count ?? 0) < 200)
  }
}
