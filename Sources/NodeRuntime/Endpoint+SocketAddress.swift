import Glibc
import Kademlia
import NIOCore

extension Endpoint {
  /// The endpoint of a socket address; nil for one that is not IP, or has no port.
  ///
  /// An IPv4 address in IPv6 form becomes an IPv4 address: one host has one address a family.
  package init?(_ address: SocketAddress) {
    switch address {
    case .v4(let v4):
      let bits = UInt32(bigEndian: v4.address.sin_addr.s_addr)
      self.init(.v4(bits), port: UInt16(bigEndian: v4.address.sin_port))
    case .v6(let v6):
      let (high, low) = withUnsafeBytes(of: v6.address.sin6_addr) { bytes in
        (
          UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
          UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
      }
      let isMapped = high == 0 && low >> 32 == 0xFFFF
      self.init(
        isMapped ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low),
        port: UInt16(bigEndian: v6.address.sin6_port))
    case .unixDomainSocket:
      return nil
    }
    guard port != 0 else { return nil }
  }
}

extension SocketAddress {
  /// The address of an endpoint for the system's calls.
  package init(_ endpoint: Endpoint) {
    // NIO would print the address into each value as its host name; nobody reads that here.
    switch endpoint.address {
    case .v4(let bits):
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = endpoint.port.bigEndian
      address.sin_addr.s_addr = bits.bigEndian
      self.init(address, host: "")
    case .v6(let high, let low):
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = endpoint.port.bigEndian
      withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
        bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      self.init(address, host: "")
    }
  }
}
