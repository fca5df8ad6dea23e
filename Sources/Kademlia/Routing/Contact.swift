package import NodeTime

/// A node that has answered a query of ours, and what we know of it.
package struct Contact: Hashable, Sendable {
  /// The reliability of a contact.
  package enum State: String, Hashable, Sendable {
    /// Its last query was answered.
    case good
    /// The contact has left a query unanswered since it last answered. It is asked last, named to nobody, and
    /// leaves the table if this goes on.
    case questionable
  }

  /// The ID under which it answered.
  package let id: NodeID
  /// Where it is asked: the address at which it last answered, unless that one was only checked.
  package private(set) var endpoint: Endpoint
  /// An address of the other family at which it has answered too.
  package private(set) var alternate: Endpoint?
  /// When it entered the table, or the line for it.
  package let added: Instant
  /// When it last answered a query of ours.
  package private(set) var lastAnswered: Instant
  /// The time that the contact takes to answer.
  package private(set) var roundTrip = RoundTrip()
  /// Queries in a row that got no answer at all; those of one burst count once.
  package private(set) var failures = 0
  /// True if the contact has proven that it has the key of its ID.
  package internal(set) var isProven = false
  /// True if the contact has said that it keeps plain records.
  package internal(set) var keepsPlainRecords = false
  /// Good until it leaves a query unanswered.
  package private(set) var state = State.good
  private var lastFailure: Instant?

  package init(_ peer: Peer, at now: Instant) {
    self.id = peer.id
    self.endpoint = peer.endpoint
    self.added = now
    self.lastAnswered = now
  }

  /// Its ID and where it is asked.
  package var peer: Peer { Peer(id: id, endpoint: endpoint) }

  /// The contact's address in one of the wanted families; nil if it has none there.
  package func peer(in families: AddressFamilies) -> Peer? {
    if families.contains(AddressFamilies(endpoint.address.family)) { return peer }
    guard let alternate, families.contains(AddressFamilies(alternate.address.family)) else {
      return nil
    }
    return Peer(id: id, endpoint: alternate)
  }

  /// The families in which it has an address.
  package var families: AddressFamilies {
    alternate == nil ? AddressFamilies(endpoint.address.family) : .all
  }

  mutating func answered(_ now: Instant, at source: Endpoint, after duration: Duration?) {
    move(to: source)
    lastAnswered = now
    failures = 0
    lastFailure = nil
    state = .good
    if let duration { roundTrip.sample(duration) }
  }

  /// Its ID and the address of the other family; nil if it has none there.
  var otherPeer: Peer? { alternate.map { Peer(id: id, endpoint: $0) } }

  /// The address that the contact would leave for another of the same family; nil if it has none there.
  func peer(leavingFor source: Endpoint) -> Peer? {
    endpoint.address.family == source.address.family ? peer : otherPeer
  }

  /// Handles that the contact has left an address: the one of the other family remains.
  ///
  /// - Returns: whether it has an address of the other family; if not, nothing changes.
  mutating func leave(_ address: Endpoint) -> Bool {
    guard let other = alternate else { return false }
    if address == endpoint { endpoint = other }
    alternate = nil
    return true
  }

  /// Returns whether the contact has answered at an address.
  func isAt(_ address: Endpoint) -> Bool { address == endpoint || address == alternate }

  /// Returns whether a node at an address that names this contact's ID must have moved, or be another: the contact
  /// has another address in that family.
  func isElsewhere(than address: Endpoint) -> Bool {
    guard !isAt(address) else { return false }
    let family = address.address.family
    return endpoint.address.family == family || alternate?.address.family == family
  }

  /// Returns whether an answer from `source` may speak for this contact.
  ///
  /// An ID that answers elsewhere in a family that we have an address for is somebody else's claim
  /// until the address we know has failed.
  func accepts(_ source: Endpoint) -> Bool {
    if source == endpoint || source == alternate || failures > 0 { return true }
    let family = source.address.family
    return endpoint.address.family != family && alternate?.address.family != family
  }

  /// Notes an address at which the contact has answered.
  ///
  /// The first address in a second family takes no queries from the one that works: another node may claim the ID
  /// there.
  private mutating func move(to source: Endpoint) {
    guard source != endpoint else { return }
    if endpoint.address.family == source.address.family {
      endpoint = source
    } else if alternate == nil, failures == 0, state == .good {
      alternate = source
    } else {
      alternate = endpoint
      endpoint = source
    }
  }

  /// Returns whether its silence counts against a read of a record: it keeps the kind, and it answered lately.
  func isMember(_ now: Instant, keeping kind: RecordKind) -> Bool {
    (kind != .plain || keepsPlainRecords) && now.since(lastAnswered) < LostContacts.memory
  }

  /// Handles a query that is past its first soft timeout, even if a later one was answered. Other lookups
  /// then need not find out for themselves. If only a datagram was lost, the answer to the repeated query
  /// makes the contact good again.
  mutating func markQuestionable() {
    state = .questionable
  }

  /// Handles a query sent at `sent` that has failed for good. The failure does not count if the contact has
  /// answered since. One stall can lose a whole burst of queries, so only a query sent after the last failure
  /// counts as another.
  mutating func failed(_ now: Instant, sentAt sent: Instant) {
    guard sent >= lastAnswered else { return }
    state = .questionable
    if let lastFailure, sent < lastFailure { return }
    lastFailure = now
    failures += 1
  }
}
