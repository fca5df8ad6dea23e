import NodeTime
import Testing

@testable import Kademlia

/// The operations of a node alone: what they send is kept until a test says what becomes of it.
struct PoolWorld: ~Copyable {
  /// A query that an operation has sent, and that nothing has become of.
  struct Sent {
    let method: Query.Method
    let peer: Peer
    let operation: OperationID
    let step: OperationQuery
  }

  var world: JobWorld
  var pool: OperationPool
  private(set) var sent: [Sent] = []
  private(set) var outcomes: [OperationID: Outcome] = [:]
  /// The changes of the own store that are asked for, and for whom.
  private(set) var commits: [(change: StoreChange, owner: CommitTable.Owner)] = []
  /// All other directives.
  private(set) var others: [Directive] = []
  private let contacts: [Peer]

  init(contacts: [Peer], configure: (inout Parameters) -> Void = { _ in }) {
    self.contacts = contacts
    world = JobWorld(contacts: contacts, configure: configure)
    world.shared.isJoined = true
    pool = OperationPool(world.shared.parameters, seed: 1)
  }

  // MARK: - What is asked for

  /// Begins a put of the value "value" under the key "key".
  mutating func put(ifSeq: Int64? = nil, for client: ClientID = .anybody) throws -> OperationID {
    let draft = PutOperation.Draft.plain(
      key: Array("key".utf8), value: Array("value".utf8), isTombstone: false)
    let put = PutOperation(
      world.shared.makeLookup(of: draft.name.id.target), draft, expiry: WallTime.epoch.seconds + 60,
      ifSeq: ifSeq, draftSeq: world.now.wall.microseconds)
    let id = try pool.begin(world.now, put, for: client, world.shared, &world.out)
    takeDirectives()
    return id
  }

  /// Begins a get of the key "key".
  mutating func get(for client: ClientID = .anybody) throws -> OperationID {
    let name = RecordName.plain(key: Array("key".utf8))
    let get = GetOperation(world.shared.makeLookup(of: name.id.target), name, name.id)
    let id = try pool.begin(world.now, get, for: client, world.shared, &world.out)
    takeDirectives()
    return id
  }

  mutating func dropReads(of client: ClientID) -> [OperationID] { pool.dropReads(of: client) }

  // MARK: - What becomes of it

  /// Takes the first query of a step to a peer out, or to anybody.
  mutating func take(_ step: String, to peer: Peer? = nil) -> Sent? {
    let index = sent.firstIndex { $0.step.name == step && (peer == nil || $0.peer == peer) }
    return index.map { sent.remove(at: $0) }
  }

  /// The same of a query that must be there.
  mutating func require(_ step: String, to peer: Peer? = nil) throws -> Sent {
    let query = take(step, to: peer)
    return try #require(query, "no query of the step '\(step)' waits")
  }

  /// Answers a query, and names all nodes that there are.
  mutating func answer(
    _ query: Sent, token: WriteToken? = WriteToken(7), held: HeldRecord? = nil, seq: Int64? = nil
  ) {
    let response = Response(
      sender: query.peer.id, nodes: contacts, token: token, keepsPlainRecords: true, held: held,
      storedSeq: seq)
    pool.handleAnswer(
      world.now, response, from: query.peer, after: .milliseconds(20), of: query.operation, query.step,
      world.shared, &world.out)
    takeDirectives()
  }

  /// Confirms a store.
  mutating func confirm(_ query: Sent) {
    guard case .put(let record, _, _) = query.method else { return }
    answer(query, token: nil, seq: record.version.seq)
  }

  mutating func tell(_ query: Sent, _ kind: QueryEvent.Kind) {
    pool.handle(
      world.now, kind, query.peer.id, of: query.operation, query.step, world.shared, &world.out)
    takeDirectives()
  }

  /// Answers every query of a lookup, with a token and nothing held.
  mutating func answerLookup() {
    while let query = take("lookup") { answer(query) }
  }

  /// Ends the first change of the own store.
  mutating func endCommit(_ result: Result<Int, StoreError> = .success(1)) {
    guard !commits.isEmpty else { return }
    switch commits.removeFirst().owner {
    case .put(let id): pool.handleCommit(world.now, result, of: id, world.shared, &world.out)
    case .publication(let id): pool.handlePublication(world.now, of: id, world.shared, &world.out)
    case .answer, .expiry, .nobody: break
    }
    takeDirectives()
  }

  private mutating func takeDirectives() {
    for directive in world.takeDirectives() {
      switch directive {
      case .send(let method, let endpoint, let id, .operation(let operation, let step)):
        guard let id else { continue }
        sent.append(
          Sent(method: method, peer: Peer(id: id, endpoint: endpoint), operation: operation, step: step))
      case .finish(let id, let outcome): outcomes[id] = outcome
      case .commit(let change, let owner): commits.append((change, owner))
      case .startWaiting:
        pool.startWaiting(world.now, world.shared, &world.out)
        takeDirectives()
      default: others.append(directive)
      }
    }
  }

  /// The outcome of a put; nil while it goes on.
  func putOutcome(of id: OperationID) -> PutOutcome? {
    if case .put(let outcome) = outcomes[id] { outcome } else { nil }
  }

  /// The outcome of a get; nil while it goes on.
  func getOutcome(of id: OperationID) -> GetOutcome? {
    if case .get(let outcome) = outcomes[id] { outcome } else { nil }
  }
}

extension OperationQuery {
  var name: String {
    switch self {
    case .lookup: "lookup"
    case .store: "store"
    case .token: "token"
    case .refusal: "refusal"
    }
  }
}
