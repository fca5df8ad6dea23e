import NodeTime
import SeededRandom
import Signatures
import Testing

@testable import Kademlia

@Suite("Answers with odd fields")
struct OddAnswerTests {
  private static let other = Peer(id: .starting(0x80), endpoint: .elsewhere(1))

  private func node(tellsAddresses: Bool = false) -> Node {
    var identity = Node.Identity(
      id: .starting(0x01), endpoints: [.elsewhere(9)], families: .v4,
      tokenSecret: [UInt8](repeating: 7, count: 32))
    identity.tellsAddresses = tellsAddresses
    return Node(
      .start, identity: identity, parameters: Parameters(), records: MemoryStore(maxBytes: 1 << 20),
      random: SplitMix64(seed: 1), encodedSize: { _ in 100 })
  }

  /// Gives a node the answer to a get of `target`, and returns the outcome of the get.
  private func outcome(
    of name: RecordName, answering response: (RecordID) -> Response
  ) throws -> GetOutcome? {
    var node = node()
    node.start(.start, hasBootstrap: false)
    node.acquaint(.start, with: Self.other, roundTrip: .milliseconds(1))
    _ = node.takeEffects()
    let operation = try node.get(.start, name)
    var outcome: GetOutcome?
    while node.hasEffects {
      for effect in node.takeEffects() {
        switch effect {
        case .send(let message, let endpoint):
          guard case .query(let query) = message.body, case .get = query.method else { continue }
          node.receive(
            .start, bytes: 100, from: endpoint, answering: message.transaction.number
          ) {
            .message(Message(transaction: message.transaction, body: .response(response(name.id))))
          }
        case .finished(operation, .get(let result)): outcome = result
        default: continue
        }
      }
    }
    return outcome
  }

  @Test("an immutable value counts whatever is beside it, with or without a token")
  func immutable() throws {
    let value = SignedText.bencoded(Array("hello".utf8))
    let name = RecordName.immutable(NodeID(sha1Of: value))
    let owner = try #require(PublicKey([UInt8](repeating: 1, count: PublicKey.byteCount)))
    let signature = try #require(Signature([UInt8](repeating: 1, count: Signature.byteCount)))
    let version = RecordVersion(seq: 7, expiry: WallTime.epoch.seconds + 60)
    let shown = [
      Record(immutable: value, expiry: RecordVersion.noExpiry),
      Record(plainKey: [1], value: Array("hello".utf8), version: version),
      Record(
        signed: Record.Authorship(owner: owner, salt: [], signature: signature), value: value, seq: 7,
        expiry: RecordVersion.noExpiry),
    ]
    for record in shown {
      for token in [nil, WriteToken([1])] {
        let outcome = try outcome(of: name) { _ in
          Response(sender: Self.other.id, token: token, held: .record(record))
        }
        guard case .found(let found)? = outcome else {
          Issue.record("\(String(describing: outcome))")
          continue
        }
        #expect(found.value == value)
      }
    }
  }

  @Test("a value of another hash does not count as immutable")
  func forged() throws {
    let name = RecordName.immutable(NodeID(sha1Of: SignedText.bencoded(Array("hello".utf8))))
    let version = RecordVersion(seq: 7, expiry: WallTime.epoch.seconds + 60)
    let outcome = try outcome(of: name) { _ in
      Response(
        sender: Self.other.id, token: WriteToken([1]),
        held: .record(Record(plainKey: [1], value: [1], version: version)))
    }
    if case .found? = outcome { Issue.record("a forged value was found") }
  }

  @Test("a value without the fields of a plain record is passed over, and the node counts")
  func notPlain() throws {
    let outcome = try outcome(of: .plain(key: [1])) { _ in
      Response(
        sender: Self.other.id, token: WriteToken([1]), keepsPlainRecords: true,
        held: .record(Record(immutable: SignedText.bencoded([1]), expiry: RecordVersion.noExpiry)))
    }
    #expect(outcome?.isNotFound == true)
  }

  @Test("answers tell the asker's address where the own ID depends on it, and not elsewhere")
  func seenAddress() throws {
    let asker = Endpoint.elsewhere(3)
    for tellsAddresses in [false, true] {
      for method in [Query.Method.ping, .findNode(target: .zero), .get(target: .zero, kind: nil, seq: nil)] {
        var node = node(tellsAddresses: tellsAddresses)
        let query = Query(sender: .starting(0xEE), method: method, isReadOnly: true)
        node.receive(.start, bytes: 100, from: asker, answering: nil) {
          .message(Message(transaction: ShortBytes(1), body: .query(query)))
        }
        let answers = node.takeEffects().compactMap { effect in
          if case .send(let message, asker) = effect, case .response(let answer) = message.body {
            answer
          } else {
            nil
          }
        }
        #expect(answers.map(\.credentials) == [tellsAddresses ? .seen(asker) : nil])
      }
    }
  }

  @Test("a node whose ID depends on its address needs no answer that tells it")
  func withoutAddresses() throws {
    var node = node(tellsAddresses: true)
    node.start(.start, hasBootstrap: true)
    node.bootstrapResolved(.start, [Self.other.endpoint])
    for effect in node.takeEffects() {
      guard case .send(let message, let endpoint) = effect else { continue }
      node.receive(.start, bytes: 60, from: endpoint, answering: message.transaction.number) {
        .message(
          Message(transaction: message.transaction, body: .response(Response(sender: Self.other.id))))
      }
    }
    #expect(node.table.contact(Self.other.id)?.state == .good)
  }
}
