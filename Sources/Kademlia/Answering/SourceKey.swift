/// The unit that a rate limit applies to, in 64 bits: an IPv4 address or /24, or an IPv6 /64.
///
/// IPv4 uses the range of IPv6 multicast, from which nothing is sent, so that the two families never collide.
struct SourceKey: Hashable, Sendable {
  /// No source has this key: it is that of 255.255.255.255.
  static let none = SourceKey(bits: .max)

  let bits: UInt64

  /// The key of a source: an IPv4 address, or an IPv6 network of 64 bits, all of which one host may have.
  init(_ address: IPAddress) {
    switch address {
    case .v4(let bits): self.init(bits: (0xFFFF_FFFF << 32) | UInt64(bits))
    case .v6(let high, _): self.init(bits: high)
    }
  }

  /// The key of the network that a source is in: 24 bits of IPv4, 64 of IPv6.
  init(networkOf address: IPAddress) {
    switch address {
    case .v4(let bits): self.init(bits: (0xFFFF_FFFF << 32) | UInt64(bits & 0xFFFF_FF00))
    case .v6: self.init(address)
    }
  }

  private init(bits: UInt64) { self.bits = bits }

  /// Well-mixed bits, each of which depends on the whole key and the whole salt.
  func hash(salt: UInt64) -> UInt64 {
    var mixed = bits ^ salt
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
