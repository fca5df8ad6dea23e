import Kademlia

/// The compact node info of BEP 5 and BEP 32: ID, address and port in a row, big end first.
enum CompactNodes {
  /// The bytes that a node takes: 26 with an IPv4 address, 38 with an IPv6 address.
  static func size(_ family: AddressFamily) -> Int {
    switch family {
    case .v4: NodeID.byteCount + 4 + 2
    case .v6: NodeID.byteCount + 16 + 2
    }
  }

  /// The nodes of `nodes` and `nodes6`, the first `KRPC.maxNodes` of them. Those without a port are
  /// left out, and so is a field that is not a string of whole nodes.
  static func read(_ nodes: BencodeValue?, _ nodes6: BencodeValue?, in bytes: RawSpan) -> [Peer] {
    let count = count(nodes, .v4)
    let count6 = self.count(nodes6, .v6)
    guard count + count6 > 0 else { return [] }
    return [Peer](capacity: min(count + count6, KRPC.maxNodes)) { peers in
      if let nodes { append(nodes, count, .v4, in: bytes, to: &peers) }
      if let nodes6 { append(nodes6, count6, .v6, in: bytes, to: &peers) }
    }
  }

  /// Reads an address and port; nil for anything else.
  static func endpoint(_ entry: BencodeValue, in bytes: RawSpan) -> Endpoint? {
    let family: AddressFamily
    switch entry.stringLength {
    case size(.v4) - NodeID.byteCount: family = .v4
    case size(.v6) - NodeID.byteCount: family = .v6
    default: return nil
    }
    return Endpoint(
      address(family, at: entry.start, in: bytes), port: bytes.bigEndian(at: entry.end - 2, as: UInt16.self))
  }

  private static func count(_ nodes: BencodeValue?, _ family: AddressFamily) -> Int {
    guard let length = nodes?.stringLength else { return 0 }
    let (count, rest) = length.quotientAndRemainder(dividingBy: size(family))
    return rest == 0 ? count : 0
  }

  private static func append(
    _ nodes: BencodeValue, _ count: Int, _ family: AddressFamily, in bytes: RawSpan,
    to peers: inout OutputSpan<Peer>
  ) {
    let size = size(family)
    var offset = nodes.start
    for _ in 0..<count {
      guard !peers.isFull else { return }
      let address = address(family, at: offset + NodeID.byteCount, in: bytes)
      let port = bytes.bigEndian(at: offset + size - 2, as: UInt16.self)
      if port != 0 {
        peers.append(Peer(id: bytes.nodeID(at: offset), endpoint: Endpoint(address, port: port)))
      }
      offset += size
    }
  }

  private static func address(
    _ family: AddressFamily, at offset: Int, in bytes: RawSpan
  ) -> IPAddress {
    switch family {
    case .v4:
      return .v4(bytes.bigEndian(at: offset, as: UInt32.self))
    case .v6:
      let high = bytes.bigEndian(at: offset, as: UInt64.self)
      let low = bytes.bigEndian(at: offset + 8, as: UInt64.self)
      // IPv4 in IPv6 (::ffff:0:0/96) is IPv4: one host has one address a family.
      if high == 0, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
      return .v6(high, low)
    }
  }
}
