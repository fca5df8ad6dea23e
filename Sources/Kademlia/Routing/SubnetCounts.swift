/// The addresses of the nodes of a routing table, and the number of nodes in each subnet: those in the
/// buckets, and those that wait for a place there. Subnets that are not capped are not counted.
struct SubnetCounts: Sendable {
  private struct Place: Hashable {
    let subnet: IPAddress
    let bucket: Int
  }

  let caps: SubnetLimits
  private var inTable: [IPAddress: Int] = [:]
  private var inBucket: [Place: Int] = [:]
  private var occupants: [Endpoint: NodeID] = [:]

  init(_ caps: SubnetLimits) {
    self.caps = caps
  }

  /// The ID of the node at an address; nil if there is none.
  func occupant(of endpoint: Endpoint) -> NodeID? { occupants[endpoint] }

  /// Returns whether a node may be added at an address: no other node is there, and its subnet has room.
  func hasRoom(for peer: Peer, inBucket bucket: Int) -> Bool {
    let address = peer.endpoint.address
    if let occupant = occupants[peer.endpoint], occupant != peer.id { return false }
    guard caps.cover(address) else { return true }
    let subnet = address.subnet
    return (inTable[subnet] ?? 0) < caps.perTable
      && (inBucket[Place(subnet: subnet, bucket: bucket)] ?? 0) < caps.perBucket
  }

  mutating func add(_ peer: Peer, inBucket bucket: Int) {
    occupants[peer.endpoint] = peer.id
    guard caps.cover(peer.endpoint.address) else { return }
    let subnet = peer.endpoint.address.subnet
    inTable[subnet, default: 0] += 1
    inBucket[Place(subnet: subnet, bucket: bucket), default: 0] += 1
  }

  mutating func remove(_ peer: Peer, inBucket bucket: Int) {
    if occupants[peer.endpoint] == peer.id { occupants[peer.endpoint] = nil }
    guard caps.cover(peer.endpoint.address) else { return }
    let subnet = peer.endpoint.address.subnet
    Self.subtract(subnet, from: &inTable)
    Self.subtract(Place(subnet: subnet, bucket: bucket), from: &inBucket)
  }

  private static func subtract<Key>(_ key: Key, from counts: inout [Key: Int]) {
    guard let count = counts[key] else { return }
    counts[key] = count > 1 ? count - 1 : nil
  }

  /// Adds a contact with all its addresses.
  mutating func add(_ contact: Contact, inBucket bucket: Int) {
    add(contact.peer, inBucket: bucket)
    if let other = contact.otherPeer { add(other, inBucket: bucket) }
  }

  /// Removes a contact with all its addresses.
  mutating func remove(_ contact: Contact, inBucket bucket: Int) {
    remove(contact.peer, inBucket: bucket)
    if let other = contact.otherPeer { remove(other, inBucket: bucket) }
  }
}
