import KRPC
import NodeTime
import SeededRandom
import Signatures

@testable import Kademlia

/// A node, its store, and a shell that carries out what it wants; the wire goes through the codec.
struct FuzzedNode: ~Copyable {
  struct Other {
    let peer: Peer
    let key: SigningKey
  }

  /// A query of the node without an answer.
  struct Asked {
    let transaction: TransactionID
    let query: Query
    var method: Query.Method { query.method }
    var nonce: Nonce? { query.nonce }
  }

  /// The store's reaction to a change.
  private enum StoreMode {
    case atOnce, later, full, broken
  }

  /// The keys, made once because making keys costs more than everything else.
  private static let everybody: [Other] = {
    var random = SplitMix64(seed: 3)
    return (0..<12).compactMap { number in
      SigningKey(seed: random.bytes(SigningKey.seedByteCount)).map { key in
        Other(
          peer: Peer(
            id: NodeID(sha1Of: key.publicKey.bytes),
            endpoint: Endpoint(.v4(0x0A00_0001 + UInt32(number)), port: 8001)),
          key: key)
      }
    }
  }()
  private static let storeBytes = 1 << 14
  private static let start = Now(
    monotonic: Instant(nanoseconds: 1_000_000_000_000), wall: WallTime(seconds: 1_800_000_000))

  let peers = Array(everybody.dropFirst())
  private(set) var node: Node
  private(set) var now = start
  /// The write tokens that the node gave away.
  private(set) var tokens: [Endpoint: WriteToken] = [:]
  private let store = MemoryStore(maxBytes: storeBytes)
  private var asked: [(Asked, Endpoint)] = []
  private var mode = StoreMode.atOnce
  private var changes: [(change: StoreChange, id: CommitID)] = []
  private var running: Set<OperationID> = []
  /// True if the clock was set back, so that stored records may be from the future.
  private var isClockSetBack = false
  /// The parameters of the node at its start, its loosest limits so far, and whether its limits changed.
  private let built: Parameters
  private var loosest: Parameters
  private var hasNewCaps = false

  init(_ reader: inout InputReader) {
    let me = Self.everybody[0]
    let flags = reader.byte()
    var parameters = Self.parameters(isTight: flags & 1 == 0)
    parameters.identity = flags & 2 == 0 ? .prefer : flags & 4 == 0 ? .require : .off
    (built, loosest) = (parameters, parameters)
    node = Node(
      now,
      identity: Node.Identity(
        id: me.peer.id, endpoints: [me.peer.endpoint], families: flags & 8 == 0 ? .v4 : .all,
        tokenSecret: [UInt8](repeating: 9, count: 32), key: me.key),
      parameters: parameters, records: store, random: SplitMix64(seed: UInt64(flags)),
      encodedSize: { KRPC.encodedSize($0) })
  }

  /// Tight limits that a short input can reach, or the normal ones.
  private static func parameters(isTight: Bool) -> Parameters {
    var parameters = Parameters()
    guard isTight else { return parameters }
    parameters.k = 3
    parameters.wideBuckets = [4]
    parameters.alpha = 2
    parameters.lostContacts = 3
    parameters.verifications = 2
    parameters.inflightQueries = 32
    parameters.activeOperations = 2
    parameters.waitingOperations = 2
    parameters.pendingCommits = 4
    parameters.keysPerSource = 3
    parameters.cachedRecords = 2
    parameters.cachedBytes = 400
    parameters.subnetLimits.scope = .all
    parameters.largeNetwork = 2
    parameters.rememberedRepairs = 4
    parameters.floods.sources = 8
    parameters.floods.requestsPerSource = 8
    parameters.floods.requests = 24
    parameters.floods.storesPerSource = 4
    return parameters
  }

  // MARK: - What happens

  mutating func start() {
    node.start(now, hasBootstrap: true, remembered: [peers[0].peer])
    carryOutEffects()
  }

  /// Time passes, and the node is called when it wants to be.
  mutating func pass(_ duration: Duration) {
    let end = now.monotonic + duration
    var calls = 0
    while node.nextDeadline <= end {
      calls += 1
      // Upkeep of many hours is left out: the input would decide nothing any more.
      guard calls < 150 else { break }
      let due = max(now.monotonic, node.nextDeadline)
      forward(to: due)
      node.advance(now)
      carryOutEffects()
      require(node.nextDeadline > now.monotonic, "what is due stays due")
    }
    forward(to: max(end, now.monotonic))
    node.advance(now)
  }

  private mutating func forward(to time: Instant) {
    now.wall.microseconds += time.since(now.monotonic).nanoseconds / 1000
    now.monotonic = time
  }

  /// The wall clock is changed.
  mutating func setBack(_ duration: Duration) {
    now.wall.microseconds -= duration.nanoseconds / 1000
    isClockSetBack = true
  }

  /// A datagram comes, as it would to a shell.
  mutating func receiveBytes(_ datagram: [UInt8], from source: Endpoint) {
    let bytes = datagram.span.bytes
    let transaction = KRPC.answeredTransaction(in: bytes)
    node.receive(now, bytes: datagram.count, from: source, answering: transaction) {
      do throws(MalformedMessage) {
        return .message(try KRPC.decode(bytes))
      } catch {
        return .malformed(reply: error.reply)
      }
    }
  }

  /// An answer comes.
  mutating func receive(_ query: Asked, _ body: Message.Body, from source: Endpoint) {
    receiveBytes(Message(transaction: query.transaction, body: body).written, from: source)
  }

  /// A query that waits for an answer, and where it went.
  mutating func takeQuery(_ index: Int) -> (Asked, Endpoint)? {
    asked.isEmpty ? nil : asked.remove(at: index % asked.count)
  }

  mutating func loseAnswers(_ count: Int) { asked.removeLast(min(count, asked.count)) }

  /// Somebody asks for something.
  mutating func begin(_ start: (inout Node, Now) throws(OperationRefusal) -> OperationID) {
    guard let operation = try? start(&node, now) else { return }
    require(running.insert(operation).inserted, "\(operation) is begun twice")
  }

  mutating func leave(_ client: ClientID) {
    for operation in node.clientLeft(client) {
      require(running.remove(operation) != nil, "an operation is dropped that does not run")
    }
  }

  mutating func adopt(isTight: Bool) {
    if !isTight { loosest = Parameters() }
    let parameters = Self.parameters(isTight: isTight)
    if parameters.subnetLimits != node.parameters.subnetLimits { hasNewCaps = true }
    node.adopt(now, parameters)
  }

  mutating func changeBootstrap(isConfigured: Bool) {
    node.bootstrapChanged(now, hasBootstrap: isConfigured)
  }

  mutating func changeStore(_ choice: UInt8) {
    mode = [.atOnce, .later, .full, .broken][Int(choice & 3)]
    endCommits()
  }

  // MARK: - What the node wants

  mutating func carryOutEffects() {
    var rounds = 0
    while node.hasEffects || !changes.isEmpty && mode != .later {
      rounds += 1
      require(rounds < 10_000, "the node never comes to an end")
      for effect in node.takeEffects() { carryOut(effect) }
      if mode != .later { endCommits() }
    }
  }

  private mutating func carryOut(_ effect: Effect) {
    switch effect {
    case .send(let message, let endpoint): send(message, to: endpoint)
    case .commit(let change, let id):
      if case .keep(let record) = change { check(record) }
      changes.append((change, id))
    case .resolveBootstrap: node.bootstrapResolved(now, peers.prefix(3).map(\.peer.endpoint))
    case .finished(let operation, let outcome):
      require(running.remove(operation) != nil, "\(operation) ends, and does not run")
      check(outcome)
    case .notice: break
    }
  }

  private mutating func send(_ message: Message, to endpoint: Endpoint) {
    let bytes = checkWritten(message.asWritten)
    require(bytes == message.written, "what is left out of an answer is not what should be")
    require(bytes.count <= 1400, "\(bytes.count) bytes in a datagram")
    switch message.body {
    case .query(let query):
      asked.append((Asked(transaction: message.transaction, query: query), endpoint))
      // The oldest are as good as lost.
      if asked.count > 256 { asked.removeFirst() }
    case .response(let response):
      if let token = response.token { tokens[endpoint] = token }
    case .error: break
    }
  }

  private mutating func endCommits() {
    let batch = changes
    changes = []
    switch mode {
    case .full, .broken:
      let error: StoreError = mode == .full ? .diskFull : .failed("broken")
      for change in batch { node.committed(now, change.id, .failure(error)) }
    case .atOnce, .later:
      store.submit(batch)
      for result in store.takeResults() { node.committed(now, result.id, result.result) }
    }
  }

  // MARK: - What has to be so

  /// Nothing invalid is stored.
  private func check(_ record: Record) {
    require(record.id == record.name.id, "a record is stored where it does not belong")
    require(record.isAuthentic, "a record is stored that its owner has not signed")
    require(record.payloadSize <= Record.maxDatagramPayload, "a record is stored that is too long")
    if record.id.kind != .plain {
      require(KRPC.isCanonical(record.value), "a value is stored that is not canonical")
    }
    guard !isClockSetBack else { return }
    let latest = now.wall.seconds + node.parameters.maxTTL + node.parameters.clockSkew
    require(record.version.expiry <= latest, "a record is stored for too long")
    let newest = now.wall.microseconds + node.parameters.clockSkew * 1_000_000 + 1
    require(record.id.kind != .plain || record.version.seq <= newest, "a record is stored of a time to come")
  }

  private func check(_ outcome: Outcome) {
    switch outcome {
    case .get(.found(let record)), .tracedGet(.found(let record), _):
      require(record.isAuthentic && record.id == record.name.id, "a forged record is shown")
    case .put(let put):
      require(put.stored <= put.replicas, "\(put.stored) of \(put.replicas) replicas have it")
    case .lookup(let lookup):
      require(lookup.closest.count <= node.parameters.k, "\(lookup.closest.count) closest nodes")
    case .get, .tracedGet, .ping, .bootstrap: break
    }
  }

  /// No table, queue or cache is over its bound.
  mutating func checkBounds() {
    var endpoints: Set<Endpoint> = []
    for (index, nodes) in node.table.occupancy {
      let room = built.wideBuckets.indices.contains(index) ? max(built.k, built.wideBuckets[index]) : built.k
      require(nodes <= room, "\(nodes) contacts in bucket \(index)")
      require(node.table.replacements(inBucket: index).count <= built.k, "too many wait in bucket \(index)")
      for contact in node.table.contacts(inBucket: index) {
        require(node.id.distance(to: contact.id).bucketIndex == index, "a contact is in another's bucket")
        // Those that were there before an address counted stay.
        guard !hasNewCaps, built.subnetLimits.cover(contact.endpoint.address) else { continue }
        require(endpoints.insert(contact.endpoint).inserted, "two contacts are at one address")
      }
    }
    require(store.usage.bytes <= Self.storeBytes, "the store is over its limit")
    require(node.cachedRecords <= loosest.cachedRecords, "too many copies are kept")
    require(node.cachedBytes <= loosest.cachedBytes, "the copies are too long")
    require(node.lostContacts.count <= loosest.lostContacts, "too many lost contacts are kept")
    require(node.offersInFlight <= HandOff.offersAtOnce, "too many records are offered at once")
    require(node.operations.active <= loosest.activeOperations, "too many operations run")
    require(node.operations.waiting <= loosest.waitingOperations, "too many operations wait")
    require(node.queriesInFlight <= loosest.inflightQueries + 512, "\(node.queriesInFlight) queries wait")
    require(node.commitsInProgress <= loosest.pendingCommits + 64, "\(node.commitsInProgress) changes wait")
    for lookup in node.operations.lookups { check(lookup) }
  }

  private func check(_ lookup: Lookup) {
    let candidates = lookup.candidates
    require(candidates.count <= Lookup.capacity, "\(candidates.count) nodes are on a shortlist")
    for (left, right) in zip(candidates, candidates.dropFirst()) {
      require(left.distance < right.distance, "a shortlist is out of order")
    }
    let waiting = candidates.count { $0.state == .waiting }
    require(waiting <= 2 * lookup.alpha * Int(lookup.pathCount), "\(waiting) queries of a lookup")
  }

  /// Nobody answers any more, and the disk works: what was begun ends.
  mutating func comeToRest() {
    mode = .atOnce
    endCommits()
    carryOutEffects()
    for _ in 0..<8 { pass(.seconds(30)) }
    carryOutEffects()
    require(running.isEmpty, "\(running.count) operations never end")
    require(node.pendingOperations == 0, "\(node.pendingOperations) operations wait for ever")
    require(node.commitsInProgress == 0, "\(node.commitsInProgress) commits never end")
  }
}

extension NodeID {
  /// The bytes in their order on the wire.
  var bytes: [UInt8] {
    [high, middle].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
      + (0..<4).map { UInt8(truncatingIfNeeded: low >> UInt32(24 - 8 * $0)) }
  }
}

extension ShortBytes {
  /// The bytes, as many as there are.
  var bytes: [UInt8] {
    let all = [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }
    return Array(all.prefix(count))
  }
}

extension Query.Method {
  var asksForNodes: Bool {
    switch self {
    case .findNode, .get: true
    case .ping, .put: false
    }
  }
}

/// A byte string as it is bencoded, or a list of it.
func bencoded(_ content: [UInt8]) -> [UInt8] {
  let string = SignedText.bencoded(content)
  return content.first == 0 ? [UInt8(ascii: "l")] + string + [UInt8(ascii: "e")] : string
}
