import Glibc
import Kademlia
import NIOCore

extension Endpoint {
  /// The endpoint of a socket address; nil for one that is not IP, or has no port.
  ///
  /// An IPv4 address in IPv6 form becomes an IPv4 address: one host has one address a family.
  package init?(_ address: SocketAddress) {
    switch address {
    case .v4(let v4): self.init(v4.address)
    case .v6(let v6): self.init(v6.address)
    case .unixDomainSocket: return nil
    }
  }

  /// The endpoint of an IPv4 socket address; nil without a port.
  package init?(_ address: sockaddr_in) {
    let bits = UInt32(bigEndian: address.sin_addr.s_addr)
    self.init(.v4(bits), port: UInt16(bigEndian: address.sin_port))
    guard port != 0 else { return nil }
  }

  /// The endpoint of an IPv6 socket address; nil without a port.
  package init?(_ address: sockaddr_in6) {
    let (high, low) = withUnsafeBytes(of: address.sin6_addr) { bytes in
      (
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    let isMapped = high == 0 && low >> 32 == 0xFFFF
    self.init(
      isMapped ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low),
      port: UInt16(bigEndian: address.sin6_port))
    guard port != 0 else { return nil }
  }
}

extension sockaddr_in {
  /// The address of an IPv4 endpoint; that of no host for another.
  package init(_ endpoint: Endpoint) {
    self.init()
    guard case .v4(let bits) = endpoint.address else { return }
    sin_family = sa_family_t(AF_INET)
    sin_port = endpoint.port.bigEndian
    sin_addr.s_addr = bits.bigEndian
  }
}

extension sockaddr_in6 {
  /// The address of an IPv6 endpoint; that of no host for another.
  package init(_ endpoint: Endpoint) {
    self.init()
    guard case .v6(let high, let low) = endpoint.address else { return }
    sin6_family = sa_family_t(AF_INET6)
    sin6_port = endpoint.port.bigEndian
    withUnsafeMutableBytes(of: &sin6_addr) { bytes in
      bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
