package import Glibc
package import Kademlia

extension IPAddress {
  /// Parses an address of either family; nil for anything else.
  ///
  /// An IPv4 address in IPv6 form becomes an IPv4 address: one host has one address a family.
  package init?(_ text: String) {
    // Each address has the size that inet_pton(3) writes for its family.
    var v4 = in_addr()
    var v6 = in6_addr()
    if unsafe inet_pton(AF_INET, text, &v4) == 1 {
      self = .v4(UInt32(bigEndian: v4.s_addr))
    } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
      self.init(v6)
    } else {
      return nil
    }
  }

  fileprivate init(_ address: in6_addr) {
    // An IPv6 address has 16 bytes.
    let (high, low) = unsafe withUnsafeBytes(of: address) { bytes in
      unsafe (
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    let isMapped = high == 0 && low >> 32 == 0xFFFF
    self = isMapped ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low)
  }
}

extension Endpoint {
  /// The endpoint of a socket address; nil for one that is not IP, or has no port.
  ///
  /// - Parameter address: begins a structure of its family.
  package init?(_ address: UnsafePointer<sockaddr>) {
    // The family says which structure it is.
    switch unsafe Int32(address.pointee.sa_family) {
    case AF_INET: unsafe self.init(UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self))
    case AF_INET6: unsafe self.init(UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self))
    default: return nil
    }
  }

  /// The endpoint of an IPv4 socket address; nil without a port.
  package init?(_ address: sockaddr_in) {
    self.init(.v4(UInt32(bigEndian: address.sin_addr.s_addr)), port: UInt16(bigEndian: address.sin_port))
    guard port != 0 else { return nil }
  }

  /// The endpoint of an IPv6 socket address; nil without a port.
  package init?(_ address: sockaddr_in6) {
    self.init(IPAddress(address.sin6_addr), port: UInt16(bigEndian: address.sin6_port))
    guard port != 0 else { return nil }
  }

  /// The endpoint that a socket is bound to; nil if it is not bound.
  init?(boundTo descriptor: Int32) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // `sockaddr_storage` has room for an address of any family, and begins with the fields of `sockaddr`.
    let found = unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe getsockname(descriptor, address, &length) == 0 ? Endpoint(address) : nil
      }
    }
    guard let found else { return nil }
    self = found
  }

  /// Calls a function with the socket address of this endpoint. The function must not keep the pointer.
  func withSocketAddress<Result>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    func call<Address>(_ address: Address) -> Result {
      // Every socket address begins with the fields of `sockaddr`, and the length covers all of it.
      unsafe withUnsafePointer(to: address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(MemoryLayout<Address>.size))
        }
      }
    }
    return switch address.family {
    case .v4: call(sockaddr_in(self))
    case .v6: call(sockaddr_in6(self))
    }
  }
}

extension sockaddr_in {
  /// The address of an IPv4 endpoint; unspecified for another family.
  package init(_ endpoint: Endpoint) {
    self.init()
    guard case .v4(let bits) = endpoint.address else { return }
    sin_family = sa_family_t(AF_INET)
    sin_port = endpoint.port.bigEndian
    sin_addr.s_addr = bits.bigEndian
  }
}

extension sockaddr_in6 {
  /// The address of an IPv6 endpoint; unspecified for another family.
  package init(_ endpoint: Endpoint) {
    self.init()
    guard case .v6(let high, let low) = endpoint.address else { return }
    sin6_family = sa_family_t(AF_INET6)
    sin6_port = endpoint.port.bigEndian
    // An IPv6 address has 16 bytes.
    unsafe withUnsafeMutableBytes(of: &sin6_addr) { bytes in
      unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
  }
}
