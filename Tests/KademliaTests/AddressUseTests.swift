import NodeTime
import SeededRandom
import Signatures
import Testing

@testable import Kademlia

@Suite("The addresses that a node uses")
struct AddressUseTests {
  /// A node whose datagrams a test carries.
  private final class LoneNode {
    var node: Node
    private var now = Now.start

    init(remembered: [Peer] = [], isOnLoopback: Bool = false) {
      let identity = Node.Identity(
        id: .starting(0x01),
        endpoints: [isOnLoopback ? Endpoint(.v4(0x7F00_0001), port: 8001) : .elsewhere(9)],
        families: .all, tokenSecret: [UInt8](repeating: 7, count: 32))
      node = Node(
        .start, identity: identity, parameters: Parameters(), records: MemoryStore(maxBytes: 1 << 20),
        random: SplitMix64(seed: 1), encodedSize: { _ in 100 })
      node.start(.start, hasBootstrap: true, remembered: remembered)
    }

    /// Takes the messages that the node sends.
    func takeMessages() -> [(message: Message, to: Endpoint)] {
      node.takeEffects().compactMap { effect in
        if case .send(let message, let endpoint) = effect { (message, endpoint) } else { nil }
      }
    }

    func receive(_ message: Message, from source: Endpoint) {
      let number: UInt32? = if case .query = message.body { nil } else { message.transaction.number }
      node.receive(now, bytes: 100, from: source, answering: number) { .message(message) }
    }

    func receive(_ query: Query, from source: Endpoint) {
      receive(Message(transaction: ShortBytes(77), body: .query(query)), from: source)
    }

    func advance(_ duration: Duration) {
      now.monotonic = now.monotonic + duration
      now.wall.microseconds += duration.nanoseconds / 1000
      node.advance(now)
    }

    /// Answers every query until no further one comes, as the nodes at these endpoints do.
    ///
    /// - Returns: the endpoints that were asked.
    func run(_ nodes: [Endpoint: Response]) -> Set<Endpoint> {
      var asked: Set<Endpoint> = []
      while node.hasEffects {
        for (message, endpoint) in takeMessages() {
          guard case .query = message.body else { continue }
          asked.insert(endpoint)
          guard let response = nodes[endpoint] else { continue }
          receive(Message(transaction: message.transaction, body: .response(response)), from: endpoint)
        }
      }
      return asked
    }

    var contacts: [Peer] { node.table.contacts.map(\.peer) }
  }

  /// Endpoints at which no node can be.
  static let unusable: [Endpoint] = [
    Endpoint(.v4(0x0A00_0001), port: 0), Endpoint(.v4(0), port: 7), Endpoint(.v4(0x00FF_FFFF), port: 7),
    Endpoint(.v4(0xE000_0001), port: 7), Endpoint(.v4(0xEFFF_FFFF), port: 7),
    Endpoint(.v4(0xF000_0001), port: 7), Endpoint(.v4(0xFFFF_FFFF), port: 7),
    Endpoint(.v6(0, 0), port: 7), Endpoint(.v6(0, 0xFFFF_0A00_0001), port: 7),
    Endpoint(.v6(0xFE80_0000_0000_0000, 1), port: 7), Endpoint(.v6(0xFEBF_0000_0000_0000, 1), port: 7),
    Endpoint(.v6(0xFF02_0000_0000_0000, 1), port: 7), Endpoint(.v6(0x2001_0DB8_0000_0000, 1), port: 0),
  ]
  private static let loopback = [Endpoint(.v4(0x7F00_0001), port: 7), Endpoint(.v6(0, 1), port: 7)]

  private func peer(_ number: UInt8, _ endpoint: Endpoint) -> Peer {
    Peer(id: .starting(0x80, number), endpoint: endpoint)
  }

  @Test("an address at which no node can be is asked by nobody's word")
  func named() {
    let honest = peer(1, .elsewhere(1))
    let named = (Self.unusable + Self.loopback).enumerated().map { peer(UInt8(100 + $0.offset), $0.element) }
    let response = Response(sender: honest.id, nodes: named, keepsPlainRecords: true)
    // From bootstrap names, from an answer, and from the contacts of the last run.
    let lone = LoneNode(remembered: named.filter { Self.unusable.contains($0.endpoint) } + [honest])
    #expect(lone.run([honest.endpoint: response]) == [honest.endpoint])
    lone.node.bootstrapResolved(.start, Self.unusable + [honest.endpoint])
    #expect(lone.run([honest.endpoint: response]) == [honest.endpoint])
    #expect(lone.contacts == [honest])
  }

  @Test("an answer or a query that claims to come from such an address changes nothing", arguments: unusable)
  func claimed(_ source: Endpoint) {
    let lone = LoneNode()
    _ = lone.takeMessages()
    lone.receive(Query(sender: .starting(0x90), method: .findNode(target: .zero)), from: source)
    let answers = lone.takeMessages()
    // A link-local asker gets its answer through its own interface, and is no node.
    #expect(answers.map(\.to) == (source.isAnswerable ? [source] : []))
    #expect(answers.allSatisfy { if case .response = $0.message.body { true } else { false } })
    #expect(lone.contacts.isEmpty)
  }

  @Test("a loopback address counts if a node on loopback names it, and is told to such nodes alone")
  func namedOnLoopback() {
    let (first, second) = (peer(1, Self.loopback[0]), peer(2, Endpoint(.v4(0x7F00_0002), port: 7)))
    let lone = LoneNode(remembered: [first], isOnLoopback: true)
    let nodes = [
      first.endpoint: Response(sender: first.id, nodes: [second], keepsPlainRecords: true),
      second.endpoint: Response(sender: second.id, keepsPlainRecords: true),
    ]
    #expect(lone.run(nodes) == [first.endpoint, second.endpoint])
    #expect(Set(lone.contacts) == [first, second])
    for (asker, told) in [(Endpoint.elsewhere(5), 0), (Endpoint(.v4(0x7F00_0005), port: 7), 2)] {
      lone.receive(Query(sender: .zero, method: .findNode(target: .zero), isReadOnly: true), from: asker)
      for (message, _) in lone.takeMessages() {
        guard case .response(let response) = message.body else { continue }
        #expect(response.nodes.count == told)
      }
    }
  }

  @Test("a node that answers in another's place is asked itself before it is admitted")
  func unexpected() {
    let (honest, named) = (peer(1, .elsewhere(1)), peer(2, .elsewhere(2)))
    let actual = NodeID.starting(0x90)
    let lone = LoneNode(remembered: [honest])
    let first = lone.takeMessages()
    #expect(first.map(\.to) == [honest.endpoint])
    let response = Response(sender: honest.id, nodes: [named], keepsPlainRecords: true)
    lone.receive(
      Message(transaction: first[0].message.transaction, body: .response(response)), from: honest.endpoint)
    // The lookup of its own ID goes on to the named node.
    var isAsked = false
    while !isAsked, lone.node.hasEffects {
      for (message, endpoint) in lone.takeMessages() {
        guard endpoint == named.endpoint else {
          lone.receive(Message(transaction: message.transaction, body: .response(response)), from: endpoint)
          continue
        }
        isAsked = true
        lone.receive(
          Message(transaction: message.transaction, body: .response(Response(sender: actual))), from: endpoint
        )
        #expect(lone.node.table.contact(actual) == nil)
      }
    }
    #expect(isAsked)
    // A ping of its own shows who it is.
    _ = lone.run([named.endpoint: Response(sender: actual), honest.endpoint: response])
    #expect(lone.node.table.contact(actual)?.endpoint == named.endpoint)
    #expect(lone.node.table.contact(named.id) == nil)
  }

  // MARK: - Contacts that move

  @Test("a contact that shows up elsewhere moves as soon as its own address fails a query")
  func moves() {
    let old = peer(1, .elsewhere(1))
    let new = peer(1, .elsewhere(2))
    let lone = LoneNode(remembered: [old])
    _ = lone.run([old.endpoint: Response(sender: old.id)])
    #expect(lone.contacts == [old])
    lone.receive(Query(sender: old.id, method: .ping), from: new.endpoint)
    // The old address is dead.
    let nodes = [new.endpoint: Response(sender: old.id)]
    #expect(lone.run(nodes) == [old.endpoint, new.endpoint])
    #expect(lone.contacts == [old])
    lone.advance(.seconds(1))
    _ = lone.run(nodes)
    #expect(lone.node.table.contact(old.id)?.state == .questionable, "it is still told to others")
    for _ in 0..<6 {
      lone.advance(.seconds(1))
      _ = lone.run(nodes)
    }
    #expect(lone.contacts == [new])
    #expect(lone.node.table.contact(old.id)?.state == .good)
  }

  @Test("whoever uses a contact's ID elsewhere neither moves it nor makes it questionable")
  func impostor() {
    let contact = peer(1, .elsewhere(1))
    let lone = LoneNode(remembered: [contact])
    let nodes = [contact.endpoint: Response(sender: contact.id)]
    _ = lone.run(nodes)
    var pings = 0
    for number in 0..<20 as Range<UInt32> {
      lone.receive(Query(sender: contact.id, method: .ping), from: .elsewhere(10 + number))
      while lone.node.hasEffects {
        for (message, endpoint) in lone.takeMessages() {
          guard case .query(let query) = message.body else { continue }
          if query.method == .ping { pings += 1 }
          // One of them answers with the ID, and the others are silent.
          guard endpoint == contact.endpoint || number == 3 else { continue }
          lone.receive(
            Message(transaction: message.transaction, body: .response(Response(sender: contact.id))),
            from: endpoint)
        }
      }
      lone.advance(.milliseconds(100))
      _ = lone.run(nodes)
      #expect(lone.node.table.contact(contact.id)?.state == .good)
      #expect(lone.contacts == [contact])
    }
    #expect(pings <= 40)
  }

  @Test("a new ID at the address of a contact takes its place, in private networks as elsewhere")
  func replaced() {
    for address: UInt32 in [0x0A00_0001, 0xC0A8_0101, 0xC000_0201] {
      let endpoint = Endpoint(.v4(address), port: 7)
      let lone = LoneNode(remembered: [peer(1, endpoint)])
      _ = lone.run([endpoint: Response(sender: .starting(0x80, 1))])
      #expect(lone.contacts == [peer(1, endpoint)])
      // The node has started again with another ID.
      lone.receive(Query(sender: .starting(0x80, 2), method: .ping), from: endpoint)
      _ = lone.run([endpoint: Response(sender: .starting(0x80, 2))])
      #expect(lone.contacts == [peer(2, endpoint)])
    }
  }
}
