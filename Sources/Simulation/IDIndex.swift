package import Kademlia

/// Hosts sorted by ID: a global view that no node has.
package struct IDIndex: Sendable {
  private var entries: [(id: NodeID, host: Int)] = []

  package init() {}

  package init(_ hosts: some Sequence<(id: NodeID, host: Int)>) {
    entries = hosts.sorted { $0.id < $1.id }
  }

  /// The number of hosts.
  package var count: Int { entries.count }

  /// The host at a place in the order.
  subscript(place: Int) -> Int { entries[place].host }

  /// The first place whose ID is not less.
  private func place(of id: NodeID, in range: Range<Int>) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds a host. An existing ID keeps its host.
  package mutating func insert(_ id: NodeID, host: Int) {
    let place = place(of: id, in: 0..<entries.count)
    if place < entries.count, entries[place].id == id { return }
    entries.insert((id, host), at: place)
  }

  /// Removes a host.
  package mutating func remove(_ id: NodeID) {
    let place = place(of: id, in: 0..<entries.count)
    if place < entries.count, entries[place].id == id { entries.remove(at: place) }
  }

  /// The start of the IDs with 1 as the next bit, within a range of IDs that share their first `depth` bits.
  private func split(_ range: Range<Int>, at depth: Int) -> Int {
    guard !range.isEmpty else { return range.lowerBound }
    let first = entries[range.lowerBound].id
    return place(of: first.prefixThenOne(depth), in: range)
  }

  /// The two halves of the IDs that share their first `depth` bits with an ID: the one with the ID's next
  /// bit, and the other, which is bucket `depth` of a node with that ID.
  func halves(_ range: Range<Int>, at depth: Int, of id: NodeID) -> (own: Range<Int>, other: Range<Int>) {
    let split = split(range, at: depth)
    let (zeros, ones) = (range.lowerBound..<split, split..<range.upperBound)
    return id.bit(depth) ? (ones, zeros) : (zeros, ones)
  }

  /// The hosts closest to a target, closest first.
  package func closest(to target: NodeID, count: Int) -> [Int] {
    var found: [Int] = []
    var range = 0..<entries.count
    var depth = 0
    // Narrows the range down to the smallest one with enough hosts. IDs that share more bits with the target
    // are closer than those that share fewer.
    while depth < NodeID.bitWidth {
      let own = halves(range, at: depth, of: target).own
      guard own.count >= count else { break }
      range = own
      depth += 1
    }
    found = entries[range].sorted { target.distance(to: $0.id) < target.distance(to: $1.id) }
      .prefix(count).map(\.host)
    return found
  }
}

extension NodeID {
  /// The bit at a place, the most significant one at 0.
  func bit(_ place: Int) -> Bool {
    switch place {
    case 0..<64: (high >> UInt64(63 - place)) & 1 == 1
    case 64..<128: (middle >> UInt64(127 - place)) & 1 == 1
    default: (low >> UInt32(159 - place)) & 1 == 1
    }
  }

  /// The least ID with the same first `depth` bits and a 1 after them.
  func prefixThenOne(_ depth: Int) -> NodeID {
    func word(_ bits: UInt64, _ first: Int) -> UInt64 {
      let kept = min(max(depth - first, 0), 64)
      let masked = kept == 64 ? bits : kept == 0 ? 0 : bits & ~(UInt64.max >> UInt64(kept))
      let isHere = depth >= first && depth < first + 64
      return isHere ? masked | (1 << UInt64(63 - (depth - first))) : masked
    }
    return NodeID(
      high: word(high, 0), middle: word(middle, 64),
      low: UInt32(truncatingIfNeeded: word(UInt64(low) << 32, 128) >> 32))
  }
}
