import NodeTime

/// The contacts of one range of distances (paper, section 2.4): at most K, the longest known first,
/// and as many more that answered when it was full.
struct KBucket: Sendable {
  private(set) var contacts: [Contact] = []
  /// The IDs of the contacts, on their own: a wide bucket is searched with each answer and each query.
  private(set) var ids: [NodeID] = []
  /// The number of questionable contacts.
  private(set) var questionable = 0
  /// The number of contacts whose last query failed.
  private(set) var failing = 0
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

  /// The contact that has been quiet for longest.
  var stalest: Contact? {
    contacts.min { $0.lastAnswered < $1.lastAnswered }
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

  /// Puts a contact in the place of the latest contact that has not proven its identity.
  ///
  /// - Returns: the contact that was replaced; nil if there is none.
  mutating func replaceUnproven(by contact: Contact) -> Contact? {
    guard let index = contacts.lastIndex(where: { !$0.isProven }) else { return nil }
    let left = takeOut(index)
    add(contact)
    return left
  }

  /// Adds a contact to the line of those that wait for a place.
  ///
  /// - Returns: the contact heard longest ago, if it was dropped to make room.
  mutating func cache(_ contact: Contact, limit: Int) -> Contact? {
    replacements.append(contact)
    return replacements.count > limit ? replacements.removeFirst() : nil
  }

  /// Takes a contact out of the line.
  mutating func stopWaiting(_ id: NodeID) -> Contact? {
    replacements.firstIndex { $0.id == id }.map { replacements.remove(at: $0) }
  }

  /// Takes a contact out and lets the freshest replacement in. Returns what left and what came.
  mutating func remove(at index: Int) -> (left: Contact, came: Contact?) {
    let left = takeOut(index)
    let came = replacements.popLast()
    if let came { add(came) }
    return (left, came)
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
  }
}
