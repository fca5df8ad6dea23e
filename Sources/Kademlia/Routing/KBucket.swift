import NodeTime

/// The contacts of one range of distances (paper, section 2.4): at most K of each address family, the longest known
/// first, and as many more that answered when it was full.
///
/// A contact with an address in both families counts in both (BEP 32).
struct KBucket: Sendable {
  private(set) var contacts: [Contact] = []
  /// The IDs of the contacts, on their own: a wide bucket is searched with each answer and each query.
  private(set) var ids: [NodeID] = []
  /// The number of questionable contacts.
  private(set) var questionable = 0
  /// The number of contacts whose last query failed.
  private(set) var failing = 0
  /// The number of contacts with an address in each family.
  private(set) var countV4 = 0
  private(set) var countV6 = 0
  /// Contacts that would enter if there were room, the most recently heard last.
  private(set) var replacements: [Contact] = []
  /// When a lookup last went through this range.
  var lastLookup: Instant

  init(lastLookup: Instant) {
    self.lastLookup = lastLookup
  }

  func index(of id: NodeID) -> Int? {
    ids.firstIndex(of: id)
  }

  /// Returns the number of contacts with an address in a family.
  func count(in family: AddressFamily) -> Int { family == .v4 ? countV4 : countV6 }

  /// Returns the contact with an address in a family that has been quiet for longest.
  func stalest(in family: AddressFamily) -> Contact? {
    contacts.lazy.filter { $0.families.contains(AddressFamilies(family)) }.min {
      $0.lastAnswered < $1.lastAnswered
    }
  }

  /// Returns the number of contacts with an address in a family that wait for a place.
  func waiting(in family: AddressFamily) -> Int {
    replacements.count { $0.families.contains(AddressFamilies(family)) }
  }

  mutating func add(_ contact: Contact) {
    contacts.append(contact)
    ids.append(contact.id)
    count(contact, 1)
  }

  mutating func update(at index: Int, _ change: (inout Contact) -> Void) {
    guard contacts.indices.contains(index) else { return }
    count(contacts[index], -1)
    change(&contacts[index])
    count(contacts[index], 1)
  }

  /// Puts a contact in the place of the latest contact that has not proven its identity and has an address in a
  /// family of the new one.
  ///
  /// - Returns: the contact that was replaced; nil if there is none.
  mutating func replaceUnproven(by contact: Contact) -> Contact? {
    guard
      let index = contacts.lastIndex(where: { !$0.isProven && $0.families.contains(contact.families) })
    else { return nil }
    let left = takeOut(index)
    add(contact)
    return left
  }

  /// Adds a contact to the line of those that wait for a place.
  ///
  /// - Parameter limit: the most that wait in each family.
  /// - Returns: the contact heard longest ago, if it was dropped to make room.
  mutating func cache(_ contact: Contact, limit: Int) -> Contact? {
    replacements.append(contact)
    let family = contact.endpoint.address.family
    guard waiting(in: family) > limit,
      let oldest = replacements.firstIndex(where: { $0.families.contains(AddressFamilies(family)) })
    else { return nil }
    return replacements.remove(at: oldest)
  }

  /// Takes a contact out of the line.
  mutating func stopWaiting(_ id: NodeID) -> Contact? {
    replacements.firstIndex { $0.id == id }.map { replacements.remove(at: $0) }
  }

  /// Takes a contact out and lets the freshest replacements in that have room: one at most for each of its families.
  ///
  /// - Parameter capacity: the most contacts of each family.
  /// - Returns: the contact that left, and the number of those that came.
  mutating func remove(at index: Int, capacity: Int) -> (left: Contact, came: Int) {
    let left = takeOut(index)
    var came = 0
    while came < 2, let next = replacements.lastIndex(where: { hasRoom(for: $0, capacity) }) {
      add(replacements.remove(at: next))
      came += 1
    }
    return (left, came)
  }

  /// Returns whether there is room for a contact in any of its families.
  private func hasRoom(for contact: Contact, _ capacity: Int) -> Bool {
    contact.families.contains(.v4) && countV4 < capacity
      || contact.families.contains(.v6) && countV6 < capacity
  }

  private mutating func takeOut(_ index: Int) -> Contact {
    let left = contacts.remove(at: index)
    ids.remove(at: index)
    count(left, -1)
    return left
  }

  private mutating func count(_ contact: Contact, _ number: Int) {
    if contact.state == .questionable { questionable += number }
    if contact.failures > 0 { failing += number }
    if contact.families.contains(.v4) { countV4 += number }
    if contact.families.contains(.v6) { countV6 += number }
  }
}
