package import Kademlia

/// The addresses of a network's hosts.
package enum AddressPlan: String, Hashable, Sendable, CaseIterable {
  /// 10.0.0.1, 10.0.0.2 and so on.
  case privateNetwork = "private"
  /// 11.0.0.1, 11.0.1.1 and so on: each in its own subnet.
  case publicBlocks = "public"

  private static let port: UInt16 = 8001

  private var first: UInt32 {
    switch self {
    case .privateNetwork: 0x0A00_0001
    case .publicBlocks: 0x0B00_0001
    }
  }

  /// The number of addresses from one host to the next, as a power of 2.
  private var shift: UInt32 {
    switch self {
    case .privateNetwork: 0
    case .publicBlocks: 8
    }
  }

  /// The address of a host.
  package func endpoint(of index: Int) -> Endpoint {
    Endpoint(.v4(first &+ (UInt32(truncatingIfNeeded: index) &<< shift)), port: Self.port)
  }

  /// The index of the host at an address; nil for an address outside the plan.
  package func index(of endpoint: Endpoint) -> Int? {
    guard case .v4(let address) = endpoint.address, endpoint.port == Self.port, address >= first else {
      return nil
    }
    let offset = address - first
    return offset & ((1 << shift) - 1) == 0 ? Int(offset >> shift) : nil
  }
}
