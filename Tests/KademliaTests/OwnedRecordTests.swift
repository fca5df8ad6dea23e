import Kademlia
import NodeTime
import Signatures
import Simulation
import Testing

/// Records that show by themselves what they are: those of BEP 44.
@Suite("Immutable and signed records")
struct OwnedRecordTests {
  private static let salt = Array("profile".utf8)

  private static func key(_ number: UInt8 = 1) throws -> SigningKey {
    try #require(SigningKey(seed: [UInt8](repeating: number, count: SigningKey.seedByteCount)))
  }

  private static func value(_ text: String) -> [UInt8] { SignedText.bencoded(Array(text.utf8)) }

  private func name(_ key: SigningKey) -> RecordName { .signed(key.publicKey, salt: Self.salt) }

  private func put(
    _ network: inout SimulatedNetwork, _ text: String, by key: SigningKey, at host: Int, ifSeq: Int64? = nil
  ) throws -> PutOutcome {
    let ticket = try network.begin(at: host) { node, now throws(OperationRefusal) in
      try node.put(now, value: Self.value(text), salt: Self.salt, signedBy: key, ifSeq: ifSeq)
    }
    return try network.putOutcome(of: ticket)
  }

  private func get(
    _ network: inout SimulatedNetwork, _ name: RecordName, at host: Int
  ) throws -> GetOutcome {
    let ticket = try network.begin(at: host) { node, now throws(OperationRefusal) in
      try node.get(now, name)
    }
    guard case .get(let outcome) = try network.outcome(of: ticket) else {
      throw SimulationError.outcomeOfAnotherKind(ticket)
    }
    return outcome
  }

  private func text(_ network: inout SimulatedNetwork, _ name: RecordName, at host: Int) throws -> String? {
    guard case .found(let record) = try get(&network, name, at: host) else { return nil }
    return SignedText.content(of: record.value).map { String(decoding: $0, as: UTF8.self) }
  }

  private func holders(_ network: SimulatedNetwork, _ id: RecordID) -> [Int] {
    network.alive.filter { network[$0].store.stored(id) != nil }
  }

  /// A record of a key, signed as it should be.
  private func record(
    _ text: String, seq: Int64, by key: SigningKey, expiry: Int64 = RecordVersion.noExpiry
  ) throws -> Record {
    let value = Self.value(text)
    let signature = try #require(
      key.signature(of: SignedText.of(salt: Self.salt, seq: seq, value: value)))
    return Record(
      signed: Record.Authorship(owner: key.publicKey, salt: Self.salt, signature: signature), value: value,
      seq: seq, expiry: expiry)
  }

  /// Puts a record as a program of another make would.
  private func putForeign(
    _ network: inout SimulatedNetwork, _ record: Record, at host: Int, cas: Int64? = nil
  ) throws -> Message.Body? {
    let get = network.query(.get(target: record.target, kind: nil, seq: nil), to: host)
    guard case .response(let response)? = get else { return nil }
    return network.query(
      .put(record, token: try #require(response.token), cas: cas), to: host)
  }

  private func code(_ body: Message.Body?) -> Int? {
    if case .error(let error)? = body { error.code } else { nil }
  }

  // MARK: - The specification's examples

  @Test("BEP 44: the published test vectors")
  func vectors() throws {
    let value = Array("12:Hello World!".utf8)
    let owner = try #require(
      PublicKey(hex("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")))
    let unsalted = Record(
      signed: Record.Authorship(
        owner: owner, salt: [],
        signature: try #require(
          Signature(
            hex(
              "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
                + "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01")))),
      value: value, seq: 1, expiry: 0)
    #expect("\(unsalted.target)" == "4a533d47ec9c7d95b1ad75f576cffc641853b750")
    #expect(unsalted.isAuthentic)
    let salted = Record(
      signed: Record.Authorship(
        owner: owner, salt: Array("foobar".utf8),
        signature: try #require(
          Signature(
            hex(
              "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
                + "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08")))),
      value: value, seq: 1, expiry: 0)
    #expect("\(salted.target)" == "411eba73b6f087ca51a3795d9c8c938d365e32c1")
    #expect(salted.isAuthentic)
    #expect(
      "\(Record(immutable: value, expiry: 0).target)" == "e5f96f6f38320f0f33959cb4d3d656452117aadb")
    #expect(
      SignedText.of(salt: Array("foobar".utf8), seq: 1, value: value)
        == Array("4:salt6:foobar3:seqi1e1:v12:Hello World!".utf8))
  }

  private func hex(_ digits: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = digits[...]
    while let byte = UInt8(rest.prefix(2), radix: 16) {
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    return bytes
  }

  @Test("a signature is of its salt, its seq and its value, and of nothing else")
  func signatures() throws {
    let right = try record("a", seq: 5, by: Self.key())
    guard case .signed(let authorship) = right.binding else { return }
    #expect(right.isAuthentic)
    #expect(!Record(signed: authorship, value: Self.value("b"), seq: 5, expiry: 0).isAuthentic)
    #expect(!Record(signed: authorship, value: right.value, seq: 6, expiry: 0).isAuthentic)
    let other = Record.Authorship(owner: authorship.owner, salt: [], signature: authorship.signature)
    #expect(!Record(signed: other, value: right.value, seq: 5, expiry: 0).isAuthentic)
    let thief = Record.Authorship(
      owner: try Self.key(2).publicKey, salt: Self.salt, signature: authorship.signature)
    #expect(!Record(signed: thief, value: right.value, seq: 5, expiry: 0).isAuthentic)
  }

  // MARK: - Put and get

  @Test("an immutable value is read by its hash, at whatever node, and is put again as the same")
  func immutable() throws {
    var network = SimulatedNetwork.joined(seed: 300, nodes: 24)
    let value = Array("d1:ai1e1:bl1:xee".utf8)
    let target = NodeID(sha1Of: value)
    for writer in [3, 17] {
      let ticket = try network.begin(at: writer) { node, now throws(OperationRefusal) in
        try node.put(now, immutable: value)
      }
      let put = try network.putOutcome(of: ticket)
      #expect(put.verdict == .stored && put.stored == 8 && put.target == target)
    }
    for reader in stride(from: 0, to: 24, by: 5) {
      guard case .found(let record) = try get(&network, .immutable(target), at: reader) else {
        Issue.record("not found at \(reader)")
        continue
      }
      #expect(record.value == value)
    }
    #expect(holders(network, RecordID(.immutable, target)).count == 8)
    #expect(try get(&network, .immutable(.starting(1)), at: 2).isNotFound)
  }

  @Test("a signed value is read by key and salt, overwritten by its owner alone, and deleted")
  func signed() throws {
    var network = SimulatedNetwork.joined(seed: 301, nodes: 24)
    let key = try Self.key()
    #expect(try put(&network, "one", by: key, at: 3).stored == 8)
    #expect(try text(&network, name(key), at: 9) == "one")
    #expect(try put(&network, "two", by: key, at: 11).stored == 8)
    for reader in 0..<24 { #expect(try text(&network, name(key), at: reader) == "two") }
    // Another's record of that name is another record.
    let other = try Self.key(2)
    #expect(try text(&network, name(other), at: 5) == nil)
    #expect(try put(&network, "theirs", by: other, at: 5).stored == 8)
    #expect(try text(&network, name(key), at: 5) == "two")
    // So is a plain one.
    #expect(try network.value(of: "profile", at: 5) == nil)
    #expect(try put(&network, "", by: key, at: 7).stored == 8)
    #expect(try get(&network, name(key), at: 9).isNotFound)
    #expect(try put(&network, "three", by: key, at: 8).stored == 8)
    #expect(try text(&network, name(key), at: 20) == "three")
  }

  @Test("if_seq: a signed record changes only from the version that was named")
  func comparing() throws {
    var network = SimulatedNetwork.joined(seed: 302, nodes: 16)
    let key = try Self.key()
    let first = try put(&network, "one", by: key, at: 1, ifSeq: 0)
    #expect(first.verdict == .stored)
    #expect(
      try put(&network, "again", by: key, at: 2, ifSeq: 0).verdict == .conflict(current: first.version.seq))
    let second = try put(&network, "two", by: key, at: 3, ifSeq: first.version.seq)
    #expect(second.verdict == .stored)
    #expect(
      try put(&network, "late", by: key, at: 4, ifSeq: first.version.seq).verdict
        == .conflict(current: second.version.seq))
    #expect(try text(&network, name(key), at: 9) == "two")
  }

  @Test("what was signed elsewhere is stored as it is, never over a newer one, and only if it is right")
  func signedElsewhere() throws {
    var network = SimulatedNetwork.joined(seed: 303, nodes: 16)
    let key = try Self.key()
    func put(_ record: Record, at host: Int) throws -> PutOutcome {
      guard case .signed(let authorship) = record.binding else { throw OperationRefusal.badSignature }
      let ticket = try network.begin(at: host) { node, now throws(OperationRefusal) in
        try node.put(now, value: record.value, seq: record.version.seq, authorship: authorship)
      }
      return try network.putOutcome(of: ticket)
    }
    #expect(try put(record("ten", seq: 10, by: key), at: 1).verdict == .stored)
    #expect(try put(record("nine", seq: 9, by: key), at: 2).verdict == .conflict(current: 10))
    #expect(try text(&network, name(key), at: 3) == "ten")
    guard case .signed(let authorship) = try record("ten", seq: 10, by: key).binding else { return }
    #expect(throws: OperationRefusal.badSignature) {
      try put(Record(signed: authorship, value: Self.value("x"), seq: 11, expiry: 0), at: 1)
    }
  }

  @Test("what is too large, or has too long a salt, is refused before anybody is asked")
  func limits() throws {
    var network = SimulatedNetwork.joined(seed: 304, nodes: 2)
    let key = try Self.key()
    #expect(throws: OperationRefusal.tooLarge(size: 1_001, limit: 1_000)) {
      _ = try network.begin(at: 0) { node, now throws(OperationRefusal) in
        try node.put(now, immutable: [UInt8](repeating: 0, count: 1_001))
      }
    }
    #expect(throws: OperationRefusal.saltTooLarge(size: 65, limit: 64)) {
      _ = try network.begin(at: 0) { node, now throws(OperationRefusal) in
        try node.put(now, value: [], salt: [UInt8](repeating: 0, count: 65), signedBy: key)
      }
    }
  }

  // MARK: - Lies

  @Test("a forged answer is shown to nobody, and costs its sender its place", arguments: 310..<314)
  func forgery(_ seed: UInt64) throws {
    var network = SimulatedNetwork.joined(seed: seed, nodes: 20)
    let key = try Self.key()
    let id = name(key).id
    #expect(try put(&network, "true", by: key, at: 1).stored == 8)
    let liars = network.closest(to: id.target, count: 3)
    guard case .signed(let authorship) = try record("true", seq: 1, by: key).binding else { return }
    let lie = Record(signed: authorship, value: Self.value("lie"), seq: .max, expiry: .max)
    for liar in liars {
      network[liar].tamper = {
        $0.changingResponse { if $0.token != nil { $0.held = .record(lie) } }
      }
    }
    for reader in 0..<20 where !liars.contains(reader) {
      #expect(try text(&network, name(key), at: reader) == "true")
    }
    let writer = try #require((0..<20).first { !liars.contains($0) })
    let put = try put(&network, "again", by: key, at: writer)
    #expect(put.verdict == .stored)
    #expect(!put.failures.contains { failure in liars.contains { network[$0].id == failure.peer.id } })
    let seen = (0..<20).reduce(0) { $0 + network[$1].node.counters.forgedRecords }
    #expect(seen > 0)
    #expect((0..<20).allSatisfy { network[$0].store.stored(id)?.record.value != lie.value })
  }

  @Test("a plain record whose key is the public key and salt of a signed one stands in nobody's way")
  func sameTarget() throws {
    var network = SimulatedNetwork.joined(seed: 316, nodes: 20)
    let key = try Self.key()
    let id = name(key).id
    #expect(try put(&network, "one", by: key, at: 1).stored == 8)
    let soon = network.now(at: 0).wall.seconds + 999
    for (liar, expiry) in zip(network.closest(to: id.target, count: 2), [5, soon]) {
      let lie = Record(
        plainKey: key.publicKey.bytes + Self.salt, value: [1],
        version: RecordVersion(seq: .max, expiry: expiry))
      #expect(lie.target == id.target)
      network[liar].tamper = {
        $0.changingResponse { if $0.token != nil { $0.held = .record(lie) } }
      }
    }
    for reader in 0..<20 { #expect(try text(&network, name(key), at: reader) == "one") }
    let second = try put(&network, "two", by: key, at: 3)
    #expect(second.verdict == .stored)
    #expect(second.version.seq <= network.now(at: 3).wall.microseconds)
  }

  @Test("nobody can hide an immutable value, nor make a signed one look absent, by calling it expired")
  func expiredByWord() throws {
    var network = SimulatedNetwork.joined(seed: 317, nodes: 20)
    let key = try Self.key()
    let value = Self.value("x")
    let target = NodeID(sha1Of: value)
    let ticket = try network.begin(at: 1) { node, now throws(OperationRefusal) in
      try node.put(now, immutable: value)
    }
    _ = try network.putOutcome(of: ticket)
    #expect(try put(&network, "one", by: key, at: 1).stored == 8)
    for liar in network.closest(to: target, count: 1) {
      network[liar].tamper = {
        $0.changingResponse { if $0.token != nil { $0.held = .version(RecordVersion(seq: 1, expiry: 1)) } }
      }
    }
    for reader in 0..<20 {
      guard case .found = try get(&network, .immutable(target), at: reader) else {
        Issue.record("not found at \(reader)")
        continue
      }
    }
    for liar in network.closest(to: name(key).id.target, count: 2) {
      network[liar].tamper = {
        $0.changingResponse { response in
          guard case .record(let record)? = response.held, case .signed(let authorship) = record.binding
          else { return }
          response.held = .record(
            Record(signed: authorship, value: record.value, seq: record.version.seq, expiry: 1))
        }
      }
    }
    for reader in 0..<20 { #expect(try text(&network, name(key), at: reader) == "one") }
    for writer in [4, 9, 14] {
      let put = try put(&network, "over", by: key, at: writer, ifSeq: 0)
      guard case .conflict = put.verdict else {
        Issue.record("\(put.verdict)")
        continue
      }
    }
  }

  @Test("nobody can hide a signed value, or use up its versions, by naming one that they do not show")
  func namedOnly() throws {
    var network = SimulatedNetwork.joined(seed: 315, nodes: 20)
    let key = try Self.key()
    let id = name(key).id
    #expect(try put(&network, "one", by: key, at: 1).stored == 8)
    let lies = [
      RecordVersion(seq: .max, expiry: 5),
      RecordVersion(seq: .max, expiry: network.now(at: 0).wall.seconds + 999),
    ]
    for (liar, lie) in zip(network.closest(to: id.target, count: 2), lies) {
      network[liar].tamper = {
        $0.changingResponse { if $0.token != nil { $0.held = .version(lie) } }
      }
    }
    for reader in 0..<20 { #expect(try text(&network, name(key), at: reader) == "one") }
    let second = try put(&network, "two", by: key, at: 3)
    #expect(second.verdict == .stored)
    #expect(second.version.seq <= network.now(at: 3).wall.microseconds)
    for reader in 0..<20 { #expect(try text(&network, name(key), at: reader) == "two") }
  }

  @Test("a forged put is refused with 206, an older one with 302, and a wrong cas with 301")
  func refusals() throws {
    var network = SimulatedNetwork.joined(seed: 320, nodes: 1)
    let key = try Self.key()
    guard case .signed(let authorship) = try record("ten", seq: 10, by: key).binding else { return }
    let forged = Record(signed: authorship, value: Self.value("x"), seq: 10, expiry: 0)
    #expect(code(try putForeign(&network, forged, at: 0)) == RPCError.badSignature)
    #expect(network[0].store.count == 0)
    network.run(for: .seconds(1))
    #expect(code(try putForeign(&network, record("ten", seq: 10, by: key), at: 0)) == nil)
    _ = try put(&network, "own", by: key, at: 0)
    let held = try #require(network[0].store.stored(name(key).id)?.record.version.seq)
    #expect(code(try putForeign(&network, record("old", seq: 9, by: key), at: 0)) == RPCError.seqTooOld)
    #expect(
      code(try putForeign(&network, record("new", seq: held + 1, by: key), at: 0, cas: held - 1))
        == RPCError.casMismatch)
    #expect(code(try putForeign(&network, record("new", seq: held + 1, by: key), at: 0, cas: held)) == nil)
  }

  // MARK: - How long they live

  @Test(
    "a record that names no expiry lives for two hours after its last put, and others' clocks count for nothing"
  )
  func noExpiry() throws {
    var network = SimulatedNetwork.joined(seed: 330, nodes: 1)
    let start = network.now(at: 0).wall.seconds
    let arriving = Record(immutable: Self.value("x"), expiry: start + 2 * 3600)
    try network[0].store.write(arriving)
    let id = arriving.id
    network.run(for: .seconds(3600))
    let again = Record(immutable: Self.value("x"), expiry: RecordVersion.noExpiry)
    var renewed: StoreChange?
    network.act(at: 0) { node, now in
      let get = Query(sender: .starting(0xEE), method: .get(target: id.target, kind: nil, seq: nil))
      node.receive(now, Message(transaction: ShortBytes(1), body: .query(get)), from: .elsewhere(1))
      var token: WriteToken?
      for effect in node.takeEffects() {
        if case .send(let answer, _) = effect, case .response(let response) = answer.body {
          token = response.token
        }
      }
      guard let token else { return }
      let put = Query(sender: .starting(0xEE), method: .put(again, token: token, cas: nil))
      node.receive(now, Message(transaction: ShortBytes(2), body: .query(put)), from: .elsewhere(1))
      for effect in node.takeEffects() {
        if case .commit(let change, _) = effect { renewed = change }
      }
    }
    guard case .keep(let record)? = renewed else {
      Issue.record("it was not kept")
      return
    }
    #expect(record.version.expiry == network.now(at: 0).wall.seconds + 2 * 3600)
  }

  @Test("a newer version of a signed record lives no shorter than the one before")
  func neverShortened() throws {
    let key = try Self.key()
    let store = MemoryStore(maxBytes: 1 << 20)
    try store.write(record("one", seq: 1, by: key, expiry: 5_000))
    try store.write(record("two", seq: 2, by: key, expiry: 1_000))
    let stored = try #require(store.stored(name(key).id))
    #expect(stored.record.value == Self.value("two") && stored.record.version.expiry == 5_000)
    store.removeExpired(at: WallTime(seconds: 4_999))
    #expect(store.count == 1)
    store.removeExpired(at: WallTime(seconds: 5_000))
    #expect(store.count == 0)
  }

  @Test("holders that leave are replaced, and nodes of another make get no copies but the publisher's")
  func replication() throws {
    var network = SimulatedNetwork.joined(seed: 340, nodes: 30)
    let key = try Self.key()
    // It routes and stores like any other, and says nothing that a node of another make would not.
    let foreign = network.closest(to: name(key).id.target, count: 2)
    for host in foreign {
      network[host].tamper = {
        $0.changingResponse {
          $0.keepsPlainRecords = false
          $0.storedSeq = nil
        }
      }
    }
    let writer = try #require(
      (0..<30).first { !network.closest(to: name(key).id.target, count: 10).contains($0) })
    let copies = Log<Int>()
    network.observer = { datagram in
      if datagram.message.putRecord != nil, foreign.contains(datagram.destination),
        datagram.source != SimulatedHost.endpoint(of: writer)
      {
        copies.entries.append(datagram.destination)
      }
    }
    #expect(try put(&network, "value", by: key, at: writer).stored == 8)
    for host in network.closest(to: name(key).id.target, count: 6) where !foreign.contains(host) {
      network.kill(host)
    }
    network.run(for: .seconds(2 * 3600 + 600))
    #expect(holders(network, name(key).id).count >= 8)
    #expect(copies.entries.isEmpty)
    #expect(try text(&network, name(key), at: writer) == "value")
  }
}
