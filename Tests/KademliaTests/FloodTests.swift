import NodeTime
import SeededRandom
import Simulation
import Testing

@testable import Kademlia

@Suite("What a node takes from others, and answers strangers")
struct FloodTests {
  private static let source = IPAddress.v4(0x0A00_0001)

  private func limits(_ change: (inout FloodLimits) -> Void = { _ in }) -> FloodLimits {
    var limits = FloodLimits()
    change(&limits)
    return limits
  }

  private func isAdmitted(_ admission: Admission) -> Bool { admission == .admitted }

  // MARK: - Buckets

  @Test("a bucket gives what it holds at once and then what comes in, never more in all")
  func bucket() {
    let rate = TokenBucket.Rate(10)
    var bucket = TokenBucket()
    var random = SplitMix64(seed: 1)
    var now: Int64 = 5_000_000_000
    var taken = 0
    for _ in 0..<10_000 {
      now += Int64.random(in: 0...100_000_000, using: &random)
      if bucket.take(now, 1, at: rate) { taken += 1 }
      #expect(Int64(taken) <= 10 + (now - 5_000_000_000) / 100_000_000)
    }
    // Whoever asks twice as often as it fills gets nearly all of it.
    #expect(Int64(taken) >= (now - 5_000_000_000) / 100_000_000 * 95 / 100)
  }

  @Test("a bucket in debt gives nothing before that is paid, and the reserved half is left")
  func debt() {
    let rate = TokenBucket.Rate(1000)
    var bucket = TokenBucket()
    bucket.spend(0, 1500, at: rate)
    #expect(bucket.isEmpty(0, at: rate) && bucket.isEmpty(500_000_000, at: rate))
    #expect(!bucket.isEmpty(500_000_001, at: rate) && !bucket.isHalfFull(999_999_999, at: rate))
    #expect(bucket.isHalfFull(1_000_000_000, at: rate))
    var other = TokenBucket()
    #expect(other.take(0, 500, at: rate, leavingHalf: true) == true)
    #expect(other.take(0, 1, at: rate, leavingHalf: true) == false)
    #expect(other.take(0, 500, at: rate) == true)
    #expect(other.take(0, 1, at: rate) == false)
  }

  // MARK: - Sources

  @Test("a source may send so many a second; it is told eight times that it is over, and then no more")
  func oneSource() {
    var guardian = RateLimiter(limits { $0.requestsPerSource = 100 }, salt: 7)
    var outcomes: [Admission: Int] = [:]
    for _ in 0..<10_000 { outcomes[guardian.admit(.start, 60, from: Self.source), default: 0] += 1 }
    #expect(outcomes[.admitted] == 100)
    #expect(outcomes[.refused(.source, isLast: false)] == 7)
    #expect(outcomes[.refused(.source, isLast: true)] == 1)
    #expect(outcomes[.ignored(.source)] == 9892)
    // Another is none the worse for it.
    #expect(isAdmitted(guardian.admit(.start, 60, from: .v4(0x0A00_0002))))
    // As long as it keeps on, it gets what its bucket gives, and no word.
    var admitted = 0
    for step in 0..<100_000 {
      let admission = guardian.admit(.start + .microseconds(10 * step), 60, from: Self.source)
      if isAdmitted(admission) { admitted += 1 } else { #expect(admission == .ignored(.source)) }
    }
    #expect((99...101).contains(admitted))
    // After a pause it is a source like any other.
    let later = Instant.start + .seconds(10)
    for _ in 0..<100 { #expect(isAdmitted(guardian.admit(later, 60, from: Self.source))) }
    #expect(guardian.admit(later, 60, from: Self.source) == .refused(.source, isLast: false))
  }

  @Test("bytes are limited, too; a network of IPv6 of 64 bits is one source")
  func bytes() {
    var guardian = RateLimiter(limits { $0.bytesPerSource = 10_000 }, salt: 7)
    let admitted = (0..<100).count { number in
      isAdmitted(guardian.admit(.start, 1000, from: .v6(0x2001_0DB8_0000_0001, UInt64(number))))
    }
    #expect(admitted == 10)
    #expect(isAdmitted(guardian.admit(.start, 1000, from: .v6(0x2001_0DB8_0000_0002, 1))))
  }

  @Test("loopback has no limit, unless it is to be counted")
  func loopback() {
    for address in [IPAddress.v4(0x7F00_0001), .v6(0, 1)] {
      #expect(RateLimiter(limits(), salt: 7).isExempt(address))
      #expect(!RateLimiter(limits { $0.loopback = .counted }, salt: 7).isExempt(address))
    }
    #expect(!RateLimiter(limits(), salt: 7).isExempt(Self.source))
  }

  @Test("a flood from a million false addresses keeps no proven source out, and not for long a stranger")
  func falseAddresses() {
    var guardian = RateLimiter(
      limits {
        $0.requests = 1000
        $0.sources = 256
      }, salt: 7)
    let friends = (0..<32).map { IPAddress.v4(0x0A00_0000 + UInt32($0)) }
    for friend in friends { guardian.prove(.start, friend) }
    var random = SplitMix64(seed: 2)
    var turnedAway = 0
    var strangers = 0
    var now = Instant.start
    for step in 0..<1_000_000 {
      now = .start + .microseconds(10 * step)
      if isAdmitted(
        guardian.admit(now, 60, from: .v4(UInt32.random(in: 0x0B00_0000...(.max - 1), using: &random))))
      {
        strangers += 1
      }
      // Each of the friends asks about ten times a second.
      if step % 312 == 0, !isAdmitted(guardian.admit(now, 60, from: friends[step / 312 % 32])) {
        turnedAway += 1
      }
    }
    #expect(turnedAway == 0)
    // What the friends leave of the rate is given to strangers: ten seconds' worth.
    #expect((6000...8000).contains(strangers))
    // And when it is over, a stranger is taken again within a second.
    #expect(isAdmitted(guardian.admit(now + .seconds(1), 60, from: .v4(0x0A00_FFFF))))
  }

  @Test("a source that is over its limit stays so, however many false ones push into the table")
  func staysKnown() {
    var guardian = RateLimiter(
      limits {
        $0.requestsPerSource = 100
        $0.requests = 100_000_000
        $0.sources = 256
      }, salt: 7)
    for _ in 0..<200 { _ = guardian.admit(.start, 60, from: Self.source) }
    var random = SplitMix64(seed: 3)
    for _ in 0..<100_000 {
      _ = guardian.admit(.start, 60, from: .v4(UInt32.random(in: 0x0B00_0000...(.max - 1), using: &random)))
    }
    #expect(guardian.admit(.start, 60, from: Self.source) == .ignored(.source))
  }

  @Test("a table has no more sources than it has room for, and takes the newcomer in for the one worth least")
  func table() {
    struct Worth: SourceEntry {
      var value: Int64 = 0
      func worth(_ now: Int64) -> Int64 { value }
    }
    var table = SourceTable<Worth>(capacity: 5, salt: 7)
    #expect(table.capacity == 8)
    #expect(table.place(of: SourceKey(Self.source)) == nil)
    var places: Set<Int> = []
    for number in 0..<1000 {
      let key = SourceKey(.v4(UInt32(number)))
      guard let place = table.place(0, of: key, worth: 1) else { continue }
      #expect(table.place(of: key) == place)
      table[place].value = number < 500 ? 0 : 2
      places.insert(place)
    }
    #expect(places == Set(0..<8))
    // All are worth more than newcomers now.
    #expect(table.place(0, of: SourceKey(Self.source), worth: 1) == nil)
    #expect(table.place(0, of: SourceKey(Self.source), worth: .max) != nil)
  }

  @Test("the tables take 64 bytes for each source that they have room for, as the documentation says")
  func size() {
    #expect(RateLimiter.bytesPerSource == 64)
  }

  @Test("the keys of sources of the two families never meet")
  func keys() {
    let keys: Set<SourceKey> = [
      SourceKey(.v4(0)), SourceKey(.v4(1)), SourceKey(.v6(0, 1)), SourceKey(.v6(1, 1)), SourceKey.none,
      SourceKey(.v4(.max - 1)), SourceKey(networkOf: .v4(0xFFFF)),
    ]
    #expect(keys.count == 7)
    #expect(SourceKey(networkOf: .v4(0x0A00_0001)) == SourceKey(networkOf: .v4(0x0A00_00FF)))
    #expect(SourceKey(networkOf: .v4(0x0A00_0001)) != SourceKey(networkOf: .v4(0x0A00_0101)))
    #expect(SourceKey(.v6(5, 1)) == SourceKey(networkOf: .v6(5, 2)))
  }

  // MARK: - Answers

  @Test("unproven addresses of one network share so many bytes a second of answers; the proven do not")
  func unproven() {
    var guardian = RateLimiter(limits { $0.unprovenBytes = 1000 }, salt: 7)
    var sent = 0
    func ask(_ now: Instant, _ address: IPAddress) {
      guard guardian.mayAnswer(now, address) else { return }
      guardian.countAnswer(now, 300, to: address)
      sent += 300
    }
    for number in 0..<10_000 {
      ask(.start + .milliseconds(number), .v4(0x0A00_0000 + UInt32(number % 256)))
    }
    // Eight seconds' worth in the bucket, ten seconds, and one answer into debt.
    #expect((17_000...18_300).contains(sent))
    let end = Instant.start + .seconds(10)
    #expect(guardian.wantsProof(end, of: Self.source))
    #expect(!guardian.mayAnswer(end, Self.source))
    #expect(guardian.mayAnswer(end, .v4(0x0A00_0101)))
    guardian.prove(end, Self.source)
    #expect(guardian.mayAnswer(end, Self.source) && !guardian.wantsProof(end, of: Self.source))
    // A proof is good for a while.
    #expect(guardian.mayAnswer(end + .seconds(800), Self.source))
  }

  @Test("other limits count at once, and what is known of the sources stays")
  func adopt() {
    var guardian = RateLimiter(limits { $0.requestsPerSource = 1 }, salt: 7)
    #expect(isAdmitted(guardian.admit(.start, 60, from: Self.source)))
    #expect(!isAdmitted(guardian.admit(.start, 60, from: Self.source)))
    guardian.prove(.start, Self.source)
    guardian.adopt(
      limits {
        $0.requestsPerSource = 1000
        $0.unprovenBytes = 1
      })
    #expect(isAdmitted(guardian.admit(.start + .milliseconds(600), 60, from: Self.source)))
    guardian.countAnswer(.start, 100, to: .v4(0x0A00_0002))
    #expect(!guardian.mayAnswer(.start, .v4(0x0A00_0002)))
    #expect(guardian.mayAnswer(.start, Self.source))
  }

  // MARK: - The node

  /// A node that has pinged another, and the transaction number of that query.
  private struct PingingNode: ~Copyable {
    var node: Node
    let transaction: UInt32
    let peer = Endpoint.host(2)
  }

  private func pinging(_ change: (inout Parameters) -> Void) throws -> PingingNode {
    var parameters = Parameters()
    change(&parameters)
    let identity = Node.Identity(
      id: .zero, endpoints: [.host(1)], families: .v4, tokenSecret: Array(repeating: 7, count: 32))
    var node = Node(
      .start, identity: identity, parameters: parameters, records: MemoryStore(maxBytes: 1 << 20),
      random: SplitMix64(seed: 4), encodedSize: { _ in 200 })
    node.start(.start, hasBootstrap: false)
    _ = try node.ping(.start, .host(2))
    for effect in node.takeEffects() {
      guard case .send(let message, .host(2)) = effect, let number = message.transaction.number else {
        continue
      }
      return PingingNode(node: node, transaction: number)
    }
    throw NoQuery()
  }

  private struct NoQuery: Error {}

  @Test("what answers a query of ours is let in, whatever else comes from there or from anywhere")
  func solicited() throws {
    var pinging = try pinging {
      $0.floods.requestsPerSource = 1
      $0.floods.requests = 2
    }
    func admission(from source: Endpoint, answering transaction: UInt32?) -> Admission {
      pinging.node.receive(.start, bytes: 60, from: source, answering: transaction) { .malformed(reply: nil) }
    }
    for _ in 0..<100 { _ = admission(from: pinging.peer, answering: nil) }
    #expect(admission(from: pinging.peer, answering: nil) == .ignored(.source))
    #expect(admission(from: pinging.peer, answering: pinging.transaction &+ 1) == .ignored(.source))
    #expect(admission(from: .host(3), answering: pinging.transaction) != .admitted)
    // A malformed answer is let in, and no other after it.
    #expect(admission(from: pinging.peer, answering: pinging.transaction) == .admitted)
    #expect(admission(from: pinging.peer, answering: pinging.transaction) == .ignored(.source))
    #expect(pinging.node.counters.requestsRefused > 0 && pinging.node.counters.requestsOverSourceLimit > 90)
  }

  @Test("a stranger whose network has had its answers is asked for a proof, and answered when it gave one")
  func proof() throws {
    var pinging = try pinging { $0.floods.unprovenBytes = 10 }
    let stranger = Endpoint.elsewhere(1)
    let query = Query(sender: .starting(9), method: .findNode(target: .zero))
    func ask(_ now: Now) -> [Message] {
      pinging.node.receive(now, Message(transaction: ShortBytes(1), body: .query(query)), from: stranger)
      return pinging.node.takeEffects().compactMap { effect in
        if case .send(let message, stranger) = effect { message } else { nil }
      }
    }
    func isAnswer(_ message: Message) -> Bool { if case .response = message.body { true } else { false } }
    #expect(ask(.start).contains(where: isAnswer))
    let later = Now(monotonic: .start + .seconds(6), wall: .epoch)
    let sent = ask(later)
    #expect(!sent.contains(where: isAnswer))
    #expect(pinging.node.counters.answersWithheld == 1)
    let ping = try #require(sent.first)
    let proof = Message(transaction: ping.transaction, body: .response(Response(sender: .starting(9))))
    let admission = pinging.node.receive(later, proof, from: stranger)
    #expect(admission == .admitted)
    #expect(ask(later).contains(where: isAnswer))
  }

  @Test("a write token is a proof, and one address stores no more than so many records a second")
  func stores() throws {
    var pinging = try pinging {
      $0.floods.storesPerSource = 5
      $0.floods.unprovenBytes = 10
    }
    let writer = Endpoint.elsewhere(1)
    func answers(_ method: Query.Method) -> [Message.Body] {
      let query = Query(sender: .starting(9), method: method, isReadOnly: true)
      pinging.node.receive(.start, Message(transaction: ShortBytes(1), body: .query(query)), from: writer)
      var bodies: [Message.Body] = []
      var effects = pinging.node.takeEffects()
      while !effects.isEmpty {
        for effect in effects {
          if case .send(let message, writer) = effect { bodies.append(message.body) }
          if case .commit(_, let id) = effect { pinging.node.committed(.start, id, .success(1)) }
        }
        effects = pinging.node.takeEffects()
      }
      return bodies
    }
    guard case .response(let response)? = answers(.get(target: .zero, kind: nil, seq: nil)).first,
      let token = response.token
    else { throw NoQuery() }
    #expect(answers(.ping).isEmpty)
    var refused = 0
    for number in 0..<20 {
      let record = Record.plain("key \(number)", "value", seq: 1)
      switch answers(.put(record, token: token, cas: nil)).first {
      case .response(let response): #expect(response.storedSeq == 1)
      case .error(let error):
        #expect(error.code == RPCError.busy)
        refused += 1
      default: Issue.record("no answer")
      }
    }
    #expect(refused == 15)
    #expect(pinging.node.counters.storesOverLimit == 15)
    // It has shown its token.
    #expect(answers(.ping).count == 1)
  }

  @Test("of a client that is gone, what only it wanted to know is dropped, and what it wanted stored is not")
  func clientLeft() throws {
    var network = SimulatedNetwork.joined(seed: 702, nodes: 4) { $0.parameters.activeOperations = 1 }
    func begin(_ client: UInt64, put: Bool, _ number: Int) throws -> Ticket {
      try network.begin(at: 1) { node, now throws(OperationRefusal) in
        let key = Array("key \(number)".utf8)
        return put
          ? try node.put(now, key: key, value: [1], for: ClientID(rawValue: client))
          : try node.get(now, key: key, for: ClientID(rawValue: client))
      }
    }
    let first = try begin(2, put: true, 0)
    let reads = try (1...20).map { try begin(1, put: false, $0) }
    let write = try begin(1, put: true, 21)
    #expect(network[1].node.pendingOperations == 22)
    var dropped = 0
    let other = try network.begin(at: 1) { node, now throws(OperationRefusal) in
      dropped = node.clientLeft(ClientID(rawValue: 1)).count
      return try node.get(now, key: [1], for: ClientID(rawValue: 2))
    }
    #expect(dropped == 20 && network[1].node.pendingOperations == 3)
    network.run(for: .seconds(20))
    #expect(network.hasOutcome(first) && network.hasOutcome(write) && network.hasOutcome(other))
    #expect(!reads.contains { network.hasOutcome($0) })
  }
}
