/// The limits on the nodes of one subnet, an IPv4 /24 or an IPv6 /64, that a node accepts.
///
/// IDs cost nothing, and neither do ports: one machine can pose as a thousand nodes. Addresses in many
/// subnets cost something. So nodes of one subnet count as if they belonged to one operator, and there is at
/// most one node at an address and port.
package struct SubnetLimits: Hashable, Sendable {
  /// The addresses that are counted.
  package enum Scope: String, Hashable, Sendable, CaseIterable {
    /// Addresses that the whole internet can reach: on loopback and in private networks, many nodes in one
    /// subnet are normal.
    case publicAddresses = "public"
    case all
    case none
  }

  /// The addresses that are counted.
  package var scope = Scope.publicAddresses
  /// The most nodes of one subnet in one bucket, including those that wait for a place; and the most that a
  /// lookup asks while they answer.
  package var perBucket = 2
  /// The most nodes of one subnet in the whole table, counted likewise; and on the shortlist of a lookup.
  package var perTable = 10

  package init() {}

  /// No caps.
  package static let off: SubnetLimits = {
    var caps = SubnetLimits()
    caps.scope = .none
    return caps
  }()

  /// Returns whether nodes at an address are counted.
  func cover(_ address: IPAddress) -> Bool {
    switch scope {
    case .publicAddresses: address.isPublic
    case .all: true
    case .none: false
    }
  }
}

extension IPAddress {
  /// The subnet that it is in: an IPv4 /24 or an IPv6 /64, as its first address.
  var subnet: IPAddress {
    switch self {
    case .v4(let bits): .v4(bits & 0xFFFF_FF00)
    case .v6(let high, _): .v6(high, 0)
    }
  }

  /// True if the whole internet can reach the address: it is neither loopback nor unspecified, nor of a
  /// private network (RFC 1918; RFC 4193, ULA), behind a provider's NAT (RFC 6598), or of one link (RFC 3927;
  /// fe80::/10).
  package var isPublic: Bool {
    switch self {
    case .v4(let bits):
      switch bits >> 24 {
      case 0, 10, 127: false
      case 100: bits >> 22 != (100 << 2) | 1
      case 169: bits >> 16 != (169 << 8) | 254
      case 172: bits >> 20 != (172 << 4) | 1
      case 192: bits >> 16 != (192 << 8) | 168
      default: true
      }
    case .v6(let high, let low):
      // ::/64 has the unspecified address and loopback in it.
      (high != 0 || low > 1) && high >> 57 != 0xFC >> 1 && high >> 54 != 0xFE80 >> 6
    }
  }
}
