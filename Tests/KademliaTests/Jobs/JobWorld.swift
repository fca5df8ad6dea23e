import NodeTime
import Signatures
import Simulation

@testable import Kademlia

/// A world for one job alone: a routing table, a store and a clock, and no node.
struct JobWorld: ~Copyable {
  var shared: Shared
  let store = MemoryStore(maxBytes: 1 << 20)
  private(set) var now = Now.start
  /// What the job has asked for since this was last taken.
  var out: [Directive] = []

  init(
    contacts: [Peer] = [], key: SigningKey? = nil, configure: (inout Parameters) -> Void = { _ in }
  ) {
    var parameters = Parameters()
    configure(&parameters)
    let identity = Node.Identity(
      id: .zero, endpoints: [.host(0)], families: .v4, tokenSecret: [7], key: key)
    shared = Shared(.start, identity: identity, parameters: parameters, records: store)
    for contact in contacts { add(contact) }
  }

  /// Enters a contact into the table, as one that has just answered.
  mutating func add(_ peer: Peer) {
    _ = shared.table.answered(now.monotonic, peer, roundTrip: .milliseconds(20))
  }

  mutating func pass(_ duration: Duration) {
    now.monotonic = now.monotonic + duration
    now.wall.microseconds += duration.nanoseconds / 1000
  }

  /// Takes what the job has asked for.
  mutating func takeDirectives() -> [Directive] {
    defer { out = [] }
    return out
  }

  /// Lets time pass until the job's deadline, and advances it.
  mutating func advance<J: Job & ~Copyable>(_ job: inout J) -> [Directive] {
    if let deadline = job.nextDeadline { pass(max(.zero, deadline.since(now.monotonic))) }
    job.advance(now, shared, &out)
    return takeDirectives()
  }

  /// Tells the job of a change of the table.
  mutating func tell<J: Job & ~Copyable>(_ job: inout J, _ change: RoutingChange) -> [Directive] {
    job.routingChanged(now, change, shared, &out)
    return takeDirectives()
  }

  /// Gives the job an event of a query of its own.
  mutating func tell<J: Job & ~Copyable>(
    _ job: inout J, _ kind: QueryEvent.Kind, of purpose: J.Purpose, to peer: Peer,
    owner: QueryOwner, isKnown: Bool = true
  ) -> [Directive] {
    let query = QueryTable.Pending(
      peer: isKnown ? peer.id : nil, endpoint: peer.endpoint, alternate: nil, method: .ping, owner: owner,
      sent: now.monotonic, softTimeout: .seconds(1), secondTimeout: .seconds(1))
    job.handle(now, QueryEvent(query: query, kind: kind), of: purpose, shared, &out)
    return takeDirectives()
  }
}

extension QueryEvent.Kind {
  static func answered(
    by peer: Peer, nodes: [Peer] = [], token: WriteToken? = nil, held: HeldRecord? = nil,
    isProven: Bool = false
  ) -> QueryEvent.Kind {
    let response = Response(
      sender: peer.id, nodes: nodes, token: token, keepsPlainRecords: true, held: held)
    return .answered(
      QueryEvent.Answer(response: response, peer: peer, roundTrip: .milliseconds(20), isProven: isProven))
  }
}

extension [Directive] {
  /// The addresses that queries are to be sent to, those of a budget among them.
  var recipients: [Endpoint] {
    compactMap { directive in
      switch directive {
      case .send(_, let endpoint, _, _): endpoint
      case .tryPing(let peer, _, _): peer.endpoint
      default: nil
      }
    }
  }

  /// The points that lookups are to find, and how many nodes near each.
  var lookups: [(target: NodeID, width: Int?)] {
    compactMap { directive in
      if case .look(let target, _, let width) = directive { (target, width) } else { nil }
    }
  }

  /// The records that are to be looked after.
  var replications: [RecordID] {
    compactMap { if case .replicate(let id, _) = $0 { id } else { nil } }
  }

  /// The changes that the store is to be asked for.
  var changes: [StoreChange] {
    compactMap { if case .commit(let change, _) = $0 { change } else { nil } }
  }

  var notices: [Notice] {
    compactMap { if case .notice(let notice) = $0 { notice } else { nil } }
  }

  func contains(where isWanted: (Directive) -> Bool) -> Bool { first(where: isWanted) != nil }
}

/// Peers in one bucket of the node with ID 0: their IDs share so many leading zeros.
func peers(_ count: Int, inBucket bucket: Int, from first: Int = 1) -> [Peer] {
  (first..<(first + count)).map { number in
    let id = NodeID(high: 1 << UInt64(63 - bucket) | UInt64(number), middle: 0, low: 0)
    return Peer(id: id, endpoint: .host(1000 * bucket + number))
  }
}
