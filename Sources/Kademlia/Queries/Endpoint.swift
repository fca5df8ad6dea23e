/// An IP address of either family. Shells map IPv4-in-IPv6 addresses to `v4` before the core sees them, so
/// that a host has one address in each family.
package enum IPAddress: Hashable, Sendable {
  /// The address as a number in host order: 127.0.0.1 is 0x7F000001.
  case v4(UInt32)
  /// The upper and lower 64 bits in host order: ::1 is (0, 1).
  case v6(UInt64, UInt64)

  /// IPv4 or IPv6.
  package var family: AddressFamily {
    switch self {
    case .v4: .v4
    case .v6: .v6
    }
  }

  /// True if the address is one of this machine that no other machine can reach: 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    switch self {
    case .v4(let bits): bits >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }

  /// True if a socket that is bound to the address receives at every address of the machine.
  package var isWildcard: Bool { self == .v4(0) || self == .v6(0, 0) }

  /// True if the address means nothing without an interface: fe80::/10.
  var isLinkLocal: Bool {
    if case .v6(let high, _) = self { high >> 54 == 0x3FA } else { false }
  }

  /// True if no node can be at the address: it is no address of one machine, or needs a scope that a compact
  /// address does not carry.
  var isUnusable: Bool {
    switch self {
    case .v4(let bits):
      // 0.0.0.0/8; 224.0.0.0/4 (multicast), 240.0.0.0/4 and the broadcast address.
      bits >> 24 == 0 || bits >> 28 >= 14
    case .v6(let high, let low):
      // ::, ::ffff:0:0/96 (IPv4 in IPv6), fe80::/10 (link-local), ff00::/8 (multicast).
      (high == 0 && (low == 0 || low >> 32 == 0xFFFF)) || high >> 54 == 0x3FA || high >> 56 == 0xFF
    }
  }
}

/// The families of IP addresses.
package enum AddressFamily: UInt8, Hashable, Sendable, CaseIterable {
  case v4, v6
}

/// A set of address families: those that a node can send to, or those that an asker wants (BEP 32).
package struct AddressFamilies: OptionSet, Hashable, Sendable {
  /// A bit for each family.
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// No family. This initializer costs one store, whereas the literal `[]` is a call into generic code. That
  /// matters for a set made for every datagram.
  package init() { self.rawValue = 0 }

  /// IPv4 alone.
  package static let v4 = AddressFamilies(rawValue: 1)
  /// IPv6 alone.
  package static let v6 = AddressFamilies(rawValue: 2)
  /// Both families. A literal of the two would be a call into generic code.
  package static let all = AddressFamilies(rawValue: 3)

  package init(_ family: AddressFamily) {
    self = family == .v4 ? .v4 : .v6
  }

  /// Returns whether all the given families are among these. The generic method of every option set is
  /// slower.
  package func contains(_ other: AddressFamilies) -> Bool { rawValue & other.rawValue == other.rawValue }
}

/// A UDP address and port.
package struct Endpoint: Hashable, Sendable {
  /// The host.
  package let address: IPAddress
  /// The UDP port, from 1 to 65535.
  package let port: UInt16

  package init(_ address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

extension Endpoint {
  /// True if no node can be at the address and port.
  package var isUnusable: Bool { port == 0 || address.isUnusable }

  /// True if a datagram from the endpoint can be answered. A link-local endpoint can, through the interface that the
  /// datagram came by, but it is no address of a node.
  var isAnswerable: Bool { !isUnusable || port != 0 && address.isLinkLocal }

  /// Returns whether an endpoint may be used that a node at another one has named.
  ///
  /// A node on another machine cannot know what listens on this one. Whoever names a loopback address to it would
  /// have it ask, and perhaps give its records to, a service that is not meant for the network.
  func isUsable(namedBy source: Endpoint) -> Bool {
    !isUnusable && (!address.isLoopback || source.address.isLoopback)
  }
}

extension IPAddress: CustomStringConvertible {
  /// Dotted decimal, or the canonical text of RFC 5952 (lower case, longest run of zeros as `::`).
  package var description: String {
    switch self {
    case .v4(let bits):
      return "\(bits >> 24).\((bits >> 16) & 0xFF).\((bits >> 8) & 0xFF).\(bits & 0xFF)"
    case .v6(let high, let low):
      let groups = [high, low].flatMap { word in
        [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
      }
      let gap = Self.longestRunOfZeros(in: groups)
      func text(_ part: ArraySlice<UInt16>) -> String {
        part.map { String($0, radix: 16) }.joined(separator: ":")
      }
      guard gap.count >= 2 else { return text(groups[...]) }
      return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }
  }

  /// The first of the longest runs, as RFC 5952 (4.2.3) requires.
  private static func longestRunOfZeros(in groups: [UInt16]) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for (index, group) in groups.enumerated() {
      if group != 0 {
        start = index + 1
      } else if index + 1 - start > best.count {
        best = start..<index + 1
      }
    }
    return best
  }
}

extension Endpoint: CustomStringConvertible {
  /// `127.0.0.1:8001`, `[::1]:8001`.
  package var description: String {
    switch address {
    case .v4: "\(address):\(port)"
    case .v6: "[\(address)]:\(port)"
    }
  }
}

/// A node and its claimed address: the "compact node info" of BEP 5. Nothing else is known of it yet; a
/// `Contact` is a peer that has answered.
package struct Peer: Hashable, Sendable {
  /// The claimed ID.
  package let id: NodeID
  /// The claimed address.
  package let endpoint: Endpoint

  package init(id: NodeID, endpoint: Endpoint) {
    self.id = id
    self.endpoint = endpoint
  }
}
