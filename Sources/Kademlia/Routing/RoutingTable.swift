package import NodeTime

/// The contacts of a node, in 160 buckets by distance (paper, section 2.4).
///
/// A flat array and not a split tree: an empty bucket costs a few words, and the bucket of a
/// distance is one count of leading zeros away.
///
/// IPv4 and IPv6 share the table, and each has its own limit (BEP 32): contacts of one family never keep those of the
/// other out.
package struct RoutingTable: Sendable {
  /// The outcome for a node that answered.
  package enum Admission: Hashable, Sendable {
    /// The node is this one itself, or it claims without proof, at another address, the ID of a contact that
    /// is proven or has not failed.
    case ignored
    case known
    case added
    /// Its subnet has as many nodes as it may, or another node is at its very address.
    case crowded
    /// Its bucket is full: the node waits, and the stalest contact there should be pinged.
    case waiting(stalest: Peer)
  }

  /// The ID that distances are measured from.
  package let local: NodeID
  let k: Int
  /// The capacities of the first buckets, where they are more than `k`.
  private let wideBuckets: [Int]
  /// A contact leaves after this many failures in a row.
  var failuresBeforeRemoval: Int
  private var buckets: [KBucket]
  private var census: SubnetCounts
  /// Counts changes of the set of contacts, so that a result computed from them can be kept while they stay.
  private(set) var revision = 0
  /// The deepest bucket that holds a contact; -1 if none does.
  private var deepestOccupied = -1
  /// Contacts in the buckets, those that wait in line not counted.
  package private(set) var count = 0

  package init(local: NodeID, parameters: Parameters, now: Instant) {
    self.local = local
    self.k = parameters.k
    self.wideBuckets = parameters.wideBuckets
    self.failuresBeforeRemoval = parameters.failuresBeforeRemoval
    self.buckets = Array(repeating: KBucket(lastLookup: now), count: NodeID.bitWidth)
    self.census = SubnetCounts(parameters.subnetLimits)
  }

  /// Counts addresses by other limits from now on. Contacts that exceed them stay.
  mutating func adopt(_ caps: SubnetLimits) {
    guard caps != census.caps else { return }
    census = SubnetCounts(caps)
    for bucket in buckets.indices {
      for contact in buckets[bucket].contacts { census.add(contact, inBucket: bucket) }
      for contact in buckets[bucket].replacements { census.add(contact, inBucket: bucket) }
    }
  }

  /// True if there is no contact at all.
  package var isEmpty: Bool { count == 0 }

  /// The contact with an ID; nil if it has no place in a bucket.
  package func contact(_ id: NodeID) -> Contact? {
    guard let (bucket, index) = position(of: id) else { return nil }
    return buckets[bucket].contacts[index]
  }

  /// The most contacts of a family that a bucket holds: the first ones, which half, a quarter and so on of all nodes
  /// belong to, may be wide, so that a lookup's first step goes further.
  private func capacity(ofBucket index: Int) -> Int {
    wideBuckets.indices.contains(index) ? max(k, wideBuckets[index]) : k
  }

  private func position(of id: NodeID) -> (bucket: Int, index: Int)? {
    guard let bucket = local.distance(to: id).bucketIndex,
      let index = buckets[bucket].index(of: id)
    else { return nil }
    return (bucket, index)
  }

  // MARK: - Changes of contacts

  /// Handles a node that answered a query of ours: the only way into the table.
  ///
  /// - Parameters:
  ///   - roundTrip: nil if it is unknown, as for a contact read from a file.
  ///   - isProven: whether the answer proves that the node has the key of its ID. In a full bucket such a
  ///     node takes the place of a contact without proof, which then waits in line.
  ///   - keepsPlainRecords: whether the answer says that the node keeps plain records.
  package mutating func answered(
    _ now: Instant, _ peer: Peer, roundTrip: Duration?, isProven: Bool = false,
    keepsPlainRecords: Bool = false
  ) -> Admission {
    guard let bucket = local.distance(to: peer.id).bucketIndex else { return .ignored }
    if let index = buckets[bucket].index(of: peer.id) {
      let contact = buckets[bucket].contacts[index]
      // Nobody else takes over the place of one that has proven who it is, and nobody keeps it from one that has.
      let isAccepted =
        contact.isProven && !contact.isAt(peer.endpoint)
        ? isProven : isProven || contact.accepts(peer.endpoint)
      guard isAccepted else { return .ignored }
      guard tryMove(at: index, of: bucket, to: peer) else { return .crowded }
      buckets[bucket].update(at: index) {
        $0.answered(now, at: peer.endpoint, after: roundTrip)
        if isProven { $0.isProven = true }
        if keepsPlainRecords { $0.keepsPlainRecords = true }
      }
      return .known
    }
    if let waiting = buckets[bucket].stopWaiting(peer.id) { census.remove(waiting, inBucket: bucket) }
    guard census.hasRoom(for: peer, inBucket: bucket) else { return .crowded }
    census.add(peer, inBucket: bucket)
    var contact = Contact(peer, at: now)
    contact.answered(now, at: peer.endpoint, after: roundTrip)
    contact.isProven = isProven
    contact.keepsPlainRecords = keepsPlainRecords
    let family = peer.endpoint.address.family
    guard buckets[bucket].count(in: family) >= capacity(ofBucket: bucket),
      let stalest = buckets[bucket].stalest(in: family)
    else {
      buckets[bucket].add(contact)
      count += 1
      revision += 1
      deepestOccupied = max(deepestOccupied, bucket)
      return .added
    }
    if isProven, let yielding = buckets[bucket].replaceUnproven(by: contact) {
      revision += 1
      if let dropped = buckets[bucket].cache(yielding, limit: k) { census.remove(dropped, inBucket: bucket) }
      return .added
    }
    if let dropped = buckets[bucket].cache(contact, limit: k) { census.remove(dropped, inBucket: bucket) }
    return .waiting(stalest: stalest.peer)
  }

  /// Moves a contact to the address that it has answered from, unless the subnet of that address is full. The
  /// new address is counted in place of the one that the contact had in that family.
  ///
  /// - Returns: whether the contact may be at that address.
  private mutating func tryMove(at index: Int, of bucket: Int, to peer: Peer) -> Bool {
    guard !buckets[bucket].contacts[index].isAt(peer.endpoint) else { return true }
    let left = buckets[bucket].contacts[index].peer(leavingFor: peer.endpoint)
    if let left { census.remove(left, inBucket: bucket) }
    let hasRoom = census.hasRoom(for: peer, inBucket: bucket)
    if hasRoom {
      census.add(peer, inBucket: bucket)
    } else if let left {
      census.add(left, inBucket: bucket)
    }
    return hasRoom
  }

  /// Handles a node that answered at an address: a contact known there under another ID is there no longer.
  ///
  /// - Returns: the contact that left the table as a result. A contact with an address of the other family
  ///   stays.
  package mutating func vacate(_ endpoint: Endpoint, for id: NodeID) -> Contact? {
    guard let occupant = census.occupant(of: endpoint), occupant != id,
      let bucket = local.distance(to: occupant).bucketIndex
    else { return nil }
    guard let index = buckets[bucket].index(of: occupant) else {
      if let waiting = buckets[bucket].stopWaiting(occupant) { census.remove(waiting, inBucket: bucket) }
      return nil
    }
    var hasMoved = false
    buckets[bucket].update(at: index) { hasMoved = $0.leave(endpoint) }
    guard hasMoved else { return remove(at: index, of: bucket) }
    census.remove(Peer(id: occupant, endpoint: endpoint), inBucket: bucket)
    return nil
  }

  /// The ID of the node at an address; nil if there is none.
  package func occupant(of endpoint: Endpoint) -> NodeID? { census.occupant(of: endpoint) }

  /// Handles a query to a node that is past its first soft timeout.
  ///
  /// - Returns: whether the node is a contact at all.
  @discardableResult
  package mutating func markQuestionable(_ id: NodeID) -> Bool {
    guard let (bucket, index) = position(of: id) else { return false }
    buckets[bucket].update(at: index) { $0.markQuestionable() }
    return true
  }

  /// Handles a query to a contact that has failed. Returns the contact if that was one failure too many and
  /// it left the table.
  package mutating func failed(_ now: Instant, _ id: NodeID, sentAt sent: Instant) -> Contact? {
    guard let (bucket, index) = position(of: id) else { return nil }
    buckets[bucket].update(at: index) { $0.failed(now, sentAt: sent) }
    guard buckets[bucket].contacts[index].failures >= failuresBeforeRemoval else { return nil }
    return remove(at: index, of: bucket)
  }

  /// Removes a contact; nil if there is none with the ID.
  mutating func remove(_ id: NodeID) -> Contact? {
    guard let (bucket, index) = position(of: id) else { return nil }
    return remove(at: index, of: bucket)
  }

  private mutating func remove(at index: Int, of bucket: Int) -> Contact {
    let (left, came) = buckets[bucket].remove(at: index, capacity: capacity(ofBucket: bucket))
    census.remove(left, inBucket: bucket)
    revision += 1
    count += came - 1
    if buckets[bucket].contacts.isEmpty, bucket == deepestOccupied {
      deepestOccupied = buckets.lastIndex { !$0.contacts.isEmpty } ?? -1
    }
    return left
  }

  /// Returns whether a node that is not in the table would get a place, or a place in the line for one.
  ///
  /// A node that already waits in line is of no further use: two nodes that wait in each other's lines would
  /// query each other forever, each query the reason for the next. Nor is a node of a subnet that has enough
  /// nodes. A node at the address of another may have taken its place, which is useful to know.
  package func hasUse(for peer: Peer) -> Bool {
    guard let index = local.distance(to: peer.id).bucketIndex else { return false }
    let bucket = buckets[index]
    guard bucket.index(of: peer.id) == nil else { return false }
    if let occupant = census.occupant(of: peer.endpoint), occupant != peer.id { return true }
    guard census.hasRoom(for: peer, inBucket: index) else { return false }
    let family = peer.endpoint.address.family
    if bucket.count(in: family) < capacity(ofBucket: index) { return true }
    return bucket.waiting(in: family) < k && !bucket.replacements.contains { $0.id == peer.id }
  }

  /// Notes that a lookup is about to go through the range of a target.
  package mutating func touched(_ now: Instant, _ target: NodeID) {
    guard let bucket = local.distance(to: target).bucketIndex else { return }
    buckets[bucket].lastLookup = now
  }

  /// Notes that a lookup is about to go through the ranges of some buckets.
  package mutating func touched(_ now: Instant, buckets range: ClosedRange<Int>) {
    for bucket in range { buckets[bucket].lastLookup = now }
  }

  // MARK: - Reading the table

  /// The contacts closest to a target, closest first.
  ///
  /// - Parameter isEligible: returns whether a contact counts; by default the good ones do.
  package func closest(
    to target: NodeID, count wanted: Int,
    where isEligible: (Contact) -> Bool = { $0.state == .good }
  ) -> [Contact] {
    places(nearest: target, count: wanted, where: isEligible).map {
      buckets[Int($0.bucket)].contacts[Int($0.index)]
    }
  }

  /// The contacts closest to a target, closest first: so many of each of some families (BEP 32). A contact with an
  /// address in both counts in both.
  ///
  /// - Parameter isEligible: returns whether a contact counts; by default the good ones do.
  package func closest(
    to target: NodeID, count wanted: Int, ofEach families: AddressFamilies,
    where isEligible: (Contact) -> Bool = { $0.state == .good }
  ) -> [Contact] {
    guard families == .all, isMixed else { return closest(to: target, count: wanted, where: isEligible) }
    let v4 = closest(to: target, count: wanted) { $0.families.contains(.v4) && isEligible($0) }
    let v6 = closest(to: target, count: wanted) { $0.families.contains(.v6) && isEligible($0) }
    let both = v4 + v6.filter { !$0.families.contains(.v4) || !v4.contains($0) }
    return both.sorted { target.distance(to: $0.id) < target.distance(to: $1.id) }
  }

  /// True if contacts of both families are known, and not all of them have an address in each.
  private var isMixed: Bool {
    let v4 = contactCount(in: .v4)
    let v6 = contactCount(in: .v6)
    return v4 > 0 && v6 > 0 && v4 + v6 < 2 * count
  }

  /// Returns the number of contacts with an address in a family.
  package func contactCount(in family: AddressFamily) -> Int {
    deepestOccupied < 0 ? 0 : buckets[0...deepestOccupied].reduce(0) { $0 + $1.count(in: family) }
  }

  /// The good contacts closest to a target, closest first, from the half of all contacts known for longest: so many
  /// of each of some families.
  ///
  /// An attacker who wants to be the closest to a target can get into the table with the answers to one
  /// lookup of it, in order to be there when the next one begins. Having been there for long takes long.
  package func longestKnown(
    closestTo target: NodeID, count wanted: Int, ofEach families: AddressFamilies = .v4
  ) -> [Contact] {
    let times = contacts.map(\.added).sorted()
    guard let middle = times.dropFirst((times.count - 1) / 2).first else { return [] }
    return closest(to: target, count: wanted, ofEach: families) { $0.state == .good && $0.added <= middle }
  }

  /// The good contacts closest to a target that another node is told of, closest first: so many of each family that
  /// the node can use, and without the node itself. Those with an address in both families are named under both
  /// (BEP 32). Loopback addresses are for nodes on loopback.
  package func peers(
    closestTo target: NodeID, count wanted: Int, for asker: NodeID, at source: Endpoint,
    in families: AddressFamilies
  ) -> [Peer] {
    guard families != .all else {
      let v4 = peers(closestTo: target, count: wanted, for: asker, at: source, in: .v4)
      guard contactCount(in: .v6) > 0 else { return v4 }
      return v4 + peers(closestTo: target, count: wanted, for: asker, at: source, in: .v6)
    }
    let places = places(nearest: target, count: wanted) { contact in
      contact.state == .good && contact.id != asker
        && contact.peer(in: families)?.endpoint.isUsable(namedBy: source) == true
    }
    var peers: [Peer] = []
    peers.reserveCapacity(places.count)
    for place in places {
      let contact = buckets[Int(place.bucket)].contacts[Int(place.index)]
      if let peer = contact.peer(in: families) { peers.append(peer) }
    }
    return peers
  }

  /// Where a contact is, and how far from a target.
  private struct Place {
    let distance: Distance
    let bucket: UInt8
    let index: UInt32
  }

  /// The places of the contacts closest to a target, closest first. They are put in order as they are
  /// found, and nothing as large as a contact is moved.
  private func places(
    nearest target: NodeID, count wanted: Int, where isEligible: (Contact) -> Bool
  ) -> [Place] {
    var found: [Place] = []
    guard wanted > 0 else { return found }
    found.reserveCapacity(min(wanted, count) + 1)
    func collect(_ bucket: Int) {
      let ids = buckets[bucket].ids
      for index in ids.indices {
        let distance = target.distance(to: ids[index])
        if found.count == wanted, let last = found.last, distance > last.distance { continue }
        guard isEligible(buckets[bucket].contacts[index]) else { continue }
        var position = found.count
        while position > 0, distance < found[position - 1].distance { position -= 1 }
        found.insert(
          Place(
            distance: distance, bucket: UInt8(truncatingIfNeeded: bucket),
            index: UInt32(truncatingIfNeeded: index)),
          at: position)
        if found.count > wanted { found.removeLast() }
      }
    }
    // The bucket that the target falls into is nearest to it; then, all at one range of distances,
    // every deeper bucket; then the shallower ones, each further away than the one before.
    let own = local.distance(to: target).bucketIndex ?? NodeID.bitWidth
    if own < NodeID.bitWidth { collect(own) }
    if found.count < wanted, own < deepestOccupied {
      for bucket in (own + 1)...deepestOccupied { collect(bucket) }
    }
    var shallower = own
    while found.count < wanted, shallower > 0 {
      shallower -= 1
      collect(shallower)
    }
    return found
  }

  /// All contacts, by bucket and then the longest known first.
  package var contacts: some Sequence<Contact> {
    buckets.lazy.flatMap(\.contacts)
  }

  /// The contacts of one bucket, the longest known first; none for an index out of range.
  package func contacts(inBucket index: Int) -> [Contact] {
    buckets.indices.contains(index) ? buckets[index].contacts : []
  }

  /// The contacts that wait for a place in one bucket, the most recently heard last.
  package func replacements(inBucket index: Int) -> [Contact] {
    buckets.indices.contains(index) ? buckets[index].replacements : []
  }

  /// The buckets that hold contacts, and how many.
  package var occupancy: [(index: Int, nodes: Int)] {
    buckets.indices.compactMap { index in
      buckets[index].contacts.isEmpty ? nil : (index, buckets[index].contacts.count)
    }
  }

  /// The contact that has been quiet for longest; nil if the table is empty.
  package var stalest: Contact? {
    contacts.min { $0.lastAnswered < $1.lastAnswered }
  }

  /// The number of contacts whose last query failed.
  var failingCount: Int {
    // By index: a bucket is not copied, and this is asked for with every event.
    var count = 0
    var index = 0
    while index <= deepestOccupied {
      count += buckets[index].failing
      index += 1
    }
    return count
  }

  /// True if any contact is questionable.
  var hasQuestionable: Bool {
    guard deepestOccupied >= 0 else { return false }
    return buckets[0...deepestOccupied].contains { $0.questionable > 0 }
  }

  /// The questionable contacts.
  package var questionable: some Sequence<Contact> {
    contacts.lazy.filter { $0.state == .questionable }
  }

  /// The deepest bucket that holds a contact.
  package var deepest: Int? { deepestOccupied < 0 ? nil : deepestOccupied }

  /// The deepest buckets, as many as hold at most `limit` contacts of each family in all; nil if the deepest one
  /// alone holds more.
  package func deepestBuckets(holding limit: Int) -> ClosedRange<Int>? {
    guard let deepest else { return nil }
    var v4 = 0
    var v6 = 0
    var first = deepest + 1
    while first > 0 {
      v4 += buckets[first - 1].count(in: .v4)
      v6 += buckets[first - 1].count(in: .v6)
      guard max(v4, v6) <= limit else { break }
      first -= 1
    }
    return first > deepest ? nil : first...deepest
  }

  /// Returns whether a bucket holds at least `k` good contacts of each family of which it holds any.
  package func isWellKnown(bucket index: Int) -> Bool {
    let bucket = buckets[index]
    func isWellKnown(_ family: AddressFamily) -> Bool {
      bucket.count(in: family) == 0
        || bucket.contacts.count {
          $0.state == .good && $0.families.contains(AddressFamilies(family))
        } >= k
    }
    return !bucket.contacts.isEmpty && isWellKnown(.v4) && isWellKnown(.v6)
  }

  /// When a lookup last went through a bucket's range.
  package func lastLookup(inBucket index: Int) -> Instant? {
    buckets.indices.contains(index) ? buckets[index].lastLookup : nil
  }
}
