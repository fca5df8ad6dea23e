import Kademlia
import NodeTime
import SeededRandom
import Simulation
import Testing

@Suite("Answering the queries of others")
struct HolderTests {
  private func network() -> SimulatedNetwork { .joined(seed: 21, nodes: 12) }

  private func response(_ body: Message.Body?) throws -> Response {
    guard case .response(let response)? = body else {
      throw RPCError(0, "\(String(describing: body)) is no response")
    }
    return response
  }

  private func error(_ body: Message.Body?) throws -> RPCError {
    guard case .error(let error)? = body else {
      throw RPCError(0, "\(String(describing: body)) is no error")
    }
    return error
  }

  private func token(_ network: inout SimulatedNetwork, from source: Endpoint = .elsewhere(1)) throws
    -> WriteToken
  {
    let body = network.query(.get(target: .zero, kind: nil, seq: nil), to: 0, from: source)
    let token = try response(body).token
    return try #require(token)
  }

  @Test("a ping is answered with the ID and nothing else")
  func ping() throws {
    var network = network()
    #expect(
      try response(network.query(.ping, to: 0)) == Response(sender: network[0].id))
  }

  @Test("find_node is answered with the K closest contacts, without the asker")
  func findNode() throws {
    var network = network()
    let target = network[5].id
    let told = try response(network.query(.findNode(target: target), to: 0)).nodes
    let expected = network[0].node.table.closest(to: target, count: 8).map(\.peer)
    #expect(Set(told) == Set(expected) && told.count == 8)
    let toItself = try response(
      network.query(.findNode(target: target), to: 0, sender: target)
    ).nodes
    #expect(!toItself.contains { $0.id == target } && toItself.count == 8)
  }

  @Test("an asker gets nodes of the families that it wants, or of its own")
  func want() throws {
    var network = network()
    let target = network[5].id
    #expect(try response(network.query(.findNode(target: target), to: 0, want: .v6)).nodes.isEmpty)
    #expect(try response(network.query(.findNode(target: target), to: 0, want: [.v4, .v6])).nodes.count == 8)
    let v6 = Endpoint(.v6(1, 1), port: 1)
    #expect(try response(network.query(.findNode(target: target), to: 0, from: v6)).nodes.isEmpty)
    #expect(
      try response(network.query(.findNode(target: target), to: 0, want: .v4, from: v6)).nodes.count == 8)
  }

  @Test("a get without a record has nodes, a token and the word that plain records are kept")
  func getNothing() throws {
    var network = network()
    let answer = try response(
      network.query(.get(target: .starting(1), kind: .plain, seq: nil), to: 0))
    #expect(answer.token != nil && answer.keepsPlainRecords && answer.held == nil)
    #expect(answer.nodes.count == 8)
  }

  @Test("a put with the token is confirmed with its seq, and a get then has it")
  func put() throws {
    var network = network()
    let record = Record.plain("k", "v", seq: 5)
    let token = try token(&network)
    let answer = try response(network.query(.put(record, token: token, cas: nil), to: 0))
    #expect(answer.storedSeq == 5)
    try network[0].store.write(record)
    let held = try response(network.query(.get(target: record.target, kind: nil, seq: nil), to: 0)).held
    #expect(held == .record(record))
    for (seq, expected) in [
      (4, .record(record)), (5, .version(record.version)), (6, .version(record.version)),
    ]
      as [(Int64, HeldRecord)]
    {
      let held = try response(network.query(.get(target: record.target, kind: .plain, seq: seq), to: 0)).held
      #expect(held == expected)
    }
  }

  @Test("a put without a good token is refused with 203, whatever it carries")
  func badToken() throws {
    var network = network()
    let record = Record.plain("k", "v", seq: 5)
    let other = try token(&network, from: .elsewhere(2))
    #expect(try error(network.query(.put(record, token: other, cas: nil), to: 0)).code == 203)
    #expect(try error(network.query(.put(record, token: WriteToken(), cas: nil), to: 0)).code == 203)
    let own = try token(&network)
    let samePlace = Endpoint(Endpoint.elsewhere(1).address, port: 4444)
    let query = Query.Method.put(record, token: own, cas: nil)
    #expect(try response(network.query(query, to: 0, from: samePlace)).storedSeq == 5)
    network.run(for: .seconds(600))
    #expect(try error(network.query(query, to: 0)).code == 203)
  }

  private static let now = WallTime.epoch.seconds + 3
  private static let ahead = WallTime.epoch.microseconds + 680 * 1_000_000

  @Test(
    "what no holder may keep is refused",
    arguments: [
      (Record.plain("k", "v", seq: ahead), 203),
      (Record.plain("k", "v", seq: .max), 203),
      (Record.plain("k", "v", seq: -1), 203),
      (Record.plain("k", "v", seq: .min), 203),
      (Record.plain("k", "v", seq: 1, expiry: now), 203),
      (Record.plain("k", "v", seq: 1, expiry: .min), 203),
      (Record.plain("k", "v", seq: 1, expiry: now + 30 * 86400 + 700), 203),
      (Record.plain("k", "v", seq: 1, expiry: .max), 203),
      (Record.plain("k", String(repeating: "v", count: 1000), seq: 1), 205),
      (
        Record(
          plainKey: [1], value: [2],
          version: RecordVersion(seq: 1, expiry: now + 100, isTombstone: true)), 203
      ),
    ])
  func refused(_ record: Record, _ code: Int) throws {
    var network = network()
    let token = try token(&network)
    #expect(try error(network.query(.put(record, token: token, cas: nil), to: 0)).code == code)
    #expect(network[0].node.counters.recordsRefused == 1)
    #expect(network[0].node.counters.recordsStored == 0)
  }

  @Test("an older version is refused with 302, the same one confirmed again")
  func older() throws {
    var network = network()
    let held = Record.plain("k", "v", seq: 5)
    try network[0].store.write(held)
    let token = try token(&network)
    let old = Record.plain("k", "v", seq: 4)
    #expect(try error(network.query(.put(old, token: token, cas: nil), to: 0)).code == 302)
    #expect(try response(network.query(.put(held, token: token, cas: nil), to: 0)).storedSeq == 5)
  }

  @Test("a version that has expired still hides an older one, and says so")
  func hidden() throws {
    var network = network()
    let old = Record.plain("k", "old", seq: 4)
    try network[0].store.write(old)
    try network[0].store.write(.plain("k", "new", seq: 5, expiry: Self.now - 1))
    let token = try token(&network)
    #expect(try error(network.query(.put(old, token: token, cas: nil), to: 0)).code == 302)
    let answer = try response(network.query(.get(target: old.target, kind: nil, seq: nil), to: 0))
    #expect(answer.held == .version(RecordVersion(seq: 5, expiry: Self.now - 1)))
  }

  @Test(
    "cas is refused with 301 where a newer version is held, whatever numbers it has",
    arguments: [(4, false), (5, true), (6, true), (.min, false), (.max, true), (0, false)]
      as [(Int64, Bool)])
  func compareAndSwap(_ cas: Int64, _ isStored: Bool) throws {
    var network = network()
    try network[0].store.write(.plain("k", "v", seq: 5))
    let token = try token(&network)
    let body = network.query(.put(.plain("k", "w", seq: 9), token: token, cas: cas), to: 0)
    if isStored {
      #expect(try response(body).storedSeq == 9)
    } else {
      #expect(try error(body).code == RPCError.casMismatch)
    }
  }

  @Test("a full store answers 401, and the record is not counted as stored")
  func full() throws {
    var network = network()
    network[0].commitMode = .refuse(.full(limit: 7))
    let token = try token(&network)
    let answers = Log<RPCError>()
    network[1].tamper = { $0 }
    let put = Message(
      transaction: ShortBytes(9),
      body: .query(
        Query(
          sender: network[1].id, method: .put(.plain("k", "v", seq: 1), token: token, cas: nil))))
    network.act(at: 0) { node, now in
      node.receive(now, put, from: .elsewhere(1))
      for case .commit(_, let id) in node.takeEffects() {
        node.committed(now, id, .failure(.full(limit: 7)))
      }
      for case .send(let message, _) in node.takeEffects() {
        if case .error(let error) = message.body { answers.entries.append(error) }
      }
    }
    #expect(answers.entries.map(\.code) == [401])
    #expect(network[0].node.counters.recordsStored == 0)
    #expect(network[0].node.counters.recordsRefused == 1)
    #expect(network[0].node.commitsInProgress == 0)
  }

  @Test("a sender that can be queried is pinged and enters; a read-only one is answered and never added")
  func readOnly() throws {
    for isReadOnly in [true, false] {
      var network = network()
      let host = network.addHost(bootstrap: [], isStarted: false)
      network.restart(host)
      let query = Query(sender: network[host].id, method: .ping, isReadOnly: isReadOnly)
      let message = Message(transaction: ShortBytes(1), body: .query(query))
      let sent = network.datagramsSent
      network.inject(message, from: .host(host), to: 0)
      #expect(network.datagramsSent == sent + (isReadOnly ? 1 : 2))
      network.run(for: .seconds(2))
      #expect((network[0].node.table.contact(network[host].id) == nil) == isReadOnly)
    }
  }

  @Test("a sender that does not answer our ping does not enter")
  func unverified() {
    var network = network()
    _ = network.query(.ping, to: 0, sender: .starting(0xAB), from: .elsewhere(3))
    network.run(for: .seconds(10))
    #expect(network[0].node.table.contact(.starting(0xAB)) == nil)
  }

  @Test("strangers make a node ping only so many of them at once")
  func verificationLimit() {
    var network = network()
    let before = network[0].node.queriesInFlight
    var random = SplitMix64(seed: 1)
    for number in 0..<1000 {
      _ = network.query(
        .ping, to: 0, sender: NodeID(random: &random), from: .elsewhere(UInt32(number)))
    }
    #expect(network[0].node.queriesInFlight - before <= 64)
  }

  @Test("a sender with our own ID is answered and not pinged")
  func ownID() throws {
    var network = network()
    let count = network[0].node.table.count
    let before = network[0].node.counters.queriesSent
    #expect(try response(network.query(.ping, to: 0, sender: network[0].id)).sender == network[0].id)
    #expect(network[0].node.counters.queriesSent == before)
    #expect(network[0].node.table.count == count)
  }

  @Test("answers from elsewhere, to nothing that was asked, or come twice are ignored and counted")
  func stray() throws {
    var network = network()
    let asked = Log<(Message, Endpoint)>()
    _ = try network.begin(at: 0) { node, now throws(OperationRefusal) in
      let id = try node.ping(now, .elsewhere(5))
      for case .send(let message, let endpoint) in node.takeEffects() {
        asked.entries.append((message, endpoint))
      }
      return id
    }
    let (query, endpoint) = try #require(asked.entries.first)
    let count = network[0].node.table.count
    let answer = Message(
      transaction: query.transaction, body: .response(Response(sender: .starting(0xAB))))
    network.inject(answer, from: .elsewhere(6), to: 0)
    var other = answer
    other.transaction = ShortBytes((query.transaction.number ?? 0) &+ 1)
    network.inject(other, from: endpoint, to: 0)
    other.transaction = WriteToken()
    network.inject(other, from: endpoint, to: 0)
    network.inject(
      Message(transaction: other.transaction, body: .error(RPCError(201, "no"))), from: endpoint, to: 0)
    #expect(network[0].node.counters.strayAnswers == 4)
    #expect(network[0].node.table.count == count)
    network.inject(answer, from: endpoint, to: 0)
    #expect(network[0].node.table.contact(.starting(0xAB)) != nil)
    network.inject(answer, from: endpoint, to: 0)
    #expect(network[0].node.counters.strayAnswers == 5)
  }

  @Test("contacts in doubt are not told to others")
  func questionable() throws {
    var network = network()
    let victim = network[7].id
    network.kill(7)
    _ = try network.ping(.host(7), at: 0)
    _ = try network.lookup(victim, at: 0)
    #expect(network[0].node.table.contact(victim)?.state == .questionable)
    let told = try response(network.query(.findNode(target: victim), to: 0)).nodes
    #expect(!told.contains { $0.id == victim } && !told.isEmpty)
  }
}
