import Kademlia
import Simulation

extension SimulatedNetwork {
  /// A network whose nodes have all joined.
  static func joined(
    seed: UInt64, nodes: Int, _ configure: (inout Configuration) -> Void = { _ in }
  ) -> SimulatedNetwork {
    var configuration = Configuration()
    configure(&configuration)
    var network = SimulatedNetwork(seed: seed, nodes: nodes, configuration)
    network.run(for: .seconds(3) + configuration.startInterval * nodes)
    return network
  }

  /// Whether no operation, query or commit is under way anywhere.
  var isQuiet: Bool {
    alive.allSatisfy { host in
      hosts[host].node.pendingOperations == 0 && hosts[host].node.operationsInProgress == 0
        && hosts[host].node.commitsInProgress == 0 && hosts[host].node.queriesInFlight == 0
    }
  }

  /// Cuts the hosts off from all others.
  mutating func isolate(_ some: some Sequence<Int>, side: Int = 1) {
    for host in some { self[host].side = side }
  }

  mutating func heal() {
    for host in hosts.indices { self[host].side = 0 }
  }

  /// A query of a test's making, as some other implementation might send it.
  mutating func query(
    _ method: Query.Method, to host: Int, sender: NodeID = .starting(0xEE), isReadOnly: Bool = false,
    want: AddressFamilies = [], from source: Endpoint = .elsewhere(1)
  ) -> Message.Body? {
    answers(to: query(method, sender, isReadOnly, want), from: source, at: host).first
  }

  private func query(
    _ method: Query.Method, _ sender: NodeID, _ isReadOnly: Bool, _ want: AddressFamilies
  ) -> Query {
    Query(sender: sender, method: method, isReadOnly: isReadOnly, want: want)
  }

  /// What a node sends to an asker; taken from the node itself, so that nothing is on its way.
  private mutating func answers(
    to query: Query, from source: Endpoint, at host: Int
  ) -> [Message.Body] {
    let message = Message(transaction: ShortBytes(77), body: .query(query))
    return act(at: host) { node, now in
      node.receive(now, message, from: source)
      var found: [Message.Body] = []
      while node.hasEffects {
        for effect in node.takeEffects() {
          if case .send(let answer, let endpoint) = effect, endpoint == source,
            answer.transaction == message.transaction
          {
            found.append(answer.body)
          } else if case .commit(_, let id) = effect {
            node.committed(now, id, .success(1))
          }
        }
      }
      return found
    }
  }
}

extension GetOutcome {
  var isNotFound: Bool {
    if case .notFound = self { true } else { false }
  }

  /// The value as text, if too few nodes answered to confirm it; nil for any other outcome.
  var unconfirmedText: String? {
    if case .unconfirmed(let record) = self { String(decoding: record.value, as: UTF8.self) } else { nil }
  }

  /// The value as text, if it is confirmed; nil for any other outcome.
  var confirmedText: String? {
    if case .found(let record) = self { String(decoding: record.value, as: UTF8.self) } else { nil }
  }

  var isUnreachable: Bool {
    if case .unreachable = self { true } else { false }
  }
}

extension Message {
  var query: Query? {
    if case .query(let query) = body { query } else { nil }
  }

  /// The record that a `put` query carries.
  var putRecord: Record? {
    if case .put(let record, _, _)? = query?.method { record } else { nil }
  }

  /// The same message with its answer changed; other messages as they are.
  func changingResponse(_ change: (inout Response) -> Void) -> Message {
    guard case .response(var response) = body else { return self }
    change(&response)
    return Message(transaction: transaction, body: .response(response))
  }
}

extension Endpoint {
  /// [fd00::x]:8001.
  static func v6Host(_ number: Int) -> Endpoint {
    Endpoint(.v6(0xFD00 << 48, UInt64(number + 1)), port: 8001)
  }
}

extension SimulatedNetwork {
  /// Adds a host with addresses in some families, which joins through another by one family.
  @discardableResult
  mutating func addHost(
    in families: AddressFamilies, through other: Int?, by family: AddressFamily = .v4
  ) -> Int {
    let number = hosts.count
    let bootstrap = other.flatMap { self[$0].endpoint(in: family) }
    return addHost(
      at: families == .v6 ? .v6Host(number) : .host(number), and: families == .all ? .v6Host(number) : nil,
      bootstrap: bootstrap.map { [$0] } ?? [], startingAfter: .milliseconds(5 * number))
  }

  /// A network of dual-stack hosts that have all joined through the IPv4 address of the first.
  static func dualStack(
    seed: UInt64, nodes: Int, _ configure: (inout Configuration) -> Void = { _ in }
  ) -> SimulatedNetwork {
    var configuration = Configuration()
    configure(&configuration)
    var network = SimulatedNetwork(seed: seed, nodes: 0, configuration)
    for host in 0..<nodes { network.addHost(in: .all, through: host == 0 ? nil : 0) }
    network.run(for: .seconds(30))
    return network
  }
}
