package import NodeTime

/// A node that has answered a query of ours, and what we know of it.
package struct Contact: Hashable, Sendable {
  /// Whether it can be relied upon.
  package enum State: String, Hashable, Sendable {
    /// Its last query was answered.
    case good
    /// It has left a query unanswered since it last answered. It is asked last, told to nobody, and
    /// leaves the table if this goes on.
    case questionable
  }

  /// The ID under which it answered.
  package let id: NodeID
  /// Where it last answered.
  package private(set) var endpoint: Endpoint
  /// An address of the other family at which it has answered too.
  package private(set) var alternate: Endpoint?
  /// When it entered the table, or the line for it.
  package let added: Instant
  /// When it last answered a query of ours.
  package private(set) var lastAnswered: Instant
  /// How long it takes to answer.
  package private(set) var roundTrip = RoundTrip()
  /// Queries in a row that got no answer at all; those of one burst count once.
  package private(set) var failures = 0
  /// Whether it has proven to have the key of its ID.
  package internal(set) var isProven = false
  /// Whether it has said that it keeps plain records.
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

  /// Its ID and where it last answered.
  package var peer: Peer { Peer(id: id, endpoint: endpoint) }

  /// The contact's address in one of the wanted families; nil if it has none there.
  package func peer(in families: AddressFamilies) -> Peer? {
    if families.contains(AddressFamilies(endpoint.address.family)) { return peer }
    guard let alternate, families.contains(AddressFamilies(alternate.address.family)) else {
      return nil
    }
    return Peer(id: id, endpoint: alternate)
  }

  mutating func answered(_ now: Instant, at source: Endpoint, after duration: Duration?) {
    lastAnswered = now
    failures = 0
    lastFailure = nil
    state = .good
    if let duration { roundTrip.sample(duration) }
    move(to: source)
  }

  /// Its ID and the address of the other family; nil if it has none there.
  var otherPeer: Peer? { alternate.map { Peer(id: id, endpoint: $0) } }

  /// Where it would leave if it moved to another address of a family; nil if it has none there.
  func peer(leavingFor source: Endpoint) -> Peer? {
    endpoint.address.family == source.address.family ? peer : otherPeer
  }

  /// It is not at an address any more, but at that of the other family.
  ///
  /// - Returns: whether it has one there.
  mutating func leave(_ address: Endpoint) -> Bool {
    guard let other = alternate else { return false }
    if address == endpoint { endpoint = other }
    alternate = nil
    return true
  }

  /// Whether it has answered at an address.
  func isAt(_ address: Endpoint) -> Bool { address == endpoint || address == alternate }

  /// Whether an answer from `source` may speak for this contact.
  ///
  /// An ID that answers elsewhere in a family that we have an address for is somebody else's claim
  /// until the address we know has failed.
  func accepts(_ source: Endpoint) -> Bool {
    if source == endpoint || source == alternate || failures > 0 { return true }
    let family = source.address.family
    return endpoint.address.family != family && alternate?.address.family != family
  }

  private mutating func move(to source: Endpoint) {
    guard source != endpoint else { return }
    if endpoint.address.family != source.address.family { alternate = endpoint }
    endpoint = source
  }

  /// Returns whether its silence counts against a read of a record: it keeps the kind, and it answered lately.
  func isMember(_ now: Instant, keeping kind: RecordKind) -> Bool {
    (kind != .plain || keepsPlainRecords) && now.since(lastAnswered) < LostContacts.memory
  }

  /// A query is past its first soft timeout, even if a later one was answered. Whoever looks something up
  /// meanwhile need not find out for itself what one lookup has; if only a datagram was lost, the query
  /// that is sent once more brings the answer that ends the doubt.
  mutating func markQuestionable() {
    state = .questionable
  }

  /// A query sent at `sent` has failed for good. It says nothing of a contact that has answered a
  /// later one. One burst of queries can all be lost to one stall, so only a query sent after the last
  /// failure counts as another.
  mutating func failed(_ now: Instant, sentAt sent: Instant) {
    guard sent >= lastAnswered else { return }
    state = .questionable
    if let lastFailure, sent < lastFailure { return }
    lastFailure = now
    failures += 1
  }
}
