/// IDs bound to an IP address, of which each address has only a limited choice (BEP 42).
extension NodeID {
  /// The ID of a node at an address in the public BitTorrent network.
  ///
  /// - Parameter seed: the source of all bits that the address leaves open; the same seed makes the same ID.
  package init(bep42For address: IPAddress, seed: NodeID) {
    let last = UInt8(truncatingIfNeeded: seed.low)
    let salt = UInt64(last & 7)
    let checksum =
      switch address {
      case .v4(let bits):
        Self.crc32c(of: UInt64(bits & 0x030F_3FFF | (UInt32(salt) << 29)), bytes: 4)
      case .v6(let high, _):
        Self.crc32c(of: high & 0x0103_070F_1F3F_7FFF | (salt << 61), bytes: 8)
      }
    // The first 21 bits are the checksum's.
    let mask: UInt64 = 0xFFFF_F800_0000_0000
    self.init(
      high: (UInt64(checksum) << 32) & mask | seed.high & ~mask, middle: seed.middle, low: seed.low)
  }

  /// The CRC-32C (Castagnoli) of the lowest bytes of a number, big end first.
  private static func crc32c(of number: UInt64, bytes: Int) -> UInt32 {
    var checksum = UInt32.max
    for index in stride(from: bytes - 1, through: 0, by: -1) {
      checksum ^= UInt32(truncatingIfNeeded: (number >> UInt64(8 * index)) & 0xFF)
      for _ in 0..<8 { checksum = checksum & 1 == 1 ? (checksum >> 1) ^ 0x82F6_3B78 : checksum >> 1 }
    }
    return ~checksum
  }
}
