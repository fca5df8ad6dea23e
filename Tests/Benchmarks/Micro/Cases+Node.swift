import Kademlia
import NodeTime
import SeededRandom
import Simulation

extension Case {
  /// The whole core, without sockets and codec.
  static let node = [
    Case("Node: get, 1,000 nodes", units: 19, allocations: 15) {
      let scene = Scene()
      guard case .get(.found(let record)) = try scene.get(), record == scene.world.record else {
        throw NotAsExpected("the get did not find the record")
      }
      return { times in
        for _ in 0..<times { keep(try? scene.get()) }
      }
    },
    Case("Node: put by 4 disjoint paths, 1,000 nodes", units: 60, allocations: 50) {
      let scene = Scene(largeNetwork: 100)
      guard case .put(let outcome) = try scene.put(), outcome.verdict == .stored, outcome.stored >= 5 else {
        throw NotAsExpected("the put was not confirmed")
      }
      return { times in
        for _ in 0..<times { keep(try? scene.put()) }
      }
    },
    Case("Node: put, 1,000 nodes", units: 40, allocations: 24) {
      let scene = Scene()
      guard case .put(let outcome) = try scene.put(), outcome.verdict == .stored, outcome.stored >= 5 else {
        throw NotAsExpected("the put was not confirmed")
      }
      return { times in
        for _ in 0..<times { keep(try? scene.put()) }
      }
    },
    Case("Node: answer a get", units: 1.2, allocations: 3) {
      let scene = Scene()
      try scene.store.write(scene.world.record)
      guard let answer = scene.answerGet(), answer.nodes.count == 8, answer.held != nil else {
        throw NotAsExpected("the answer lacks nodes or the record")
      }
      return { times in
        for _ in 0..<times { keep(scene.answerGet()) }
      }
    },
  ]
}

/// A node among others that answer at once.
private final class Scene {
  let world = BenchmarkWorld()
  let store = MemoryStore(maxBytes: 1 << 20)
  private var node: Node
  private var now = Now(monotonic: .start, wall: .start)
  private var effects: [Effect] = []

  /// - Parameter largeNetwork: in networks of more nodes, puts take disjoint paths.
  init(largeNetwork: Int = 100_000) {
    var parameters = Parameters()
    parameters.largeNetwork = largeNetwork
    let identity = Node.Identity(
      id: world.local, endpoints: [SimulatedHost.endpoint(of: 2000)], families: .v4,
      tokenSecret: Array(repeating: 7, count: 32))
    node = Node(
      now, identity: identity, parameters: parameters, records: store, random: SplitMix64(seed: 3))
    node.start(now, hasBootstrap: false)
    for peer in world.peers { node.acquaint(.start, with: peer, roundTrip: .milliseconds(1)) }
    _ = carryOut()
  }

  func get() throws -> Outcome? {
    advance()
    _ = try node.get(now, key: world.record.key)
    return carryOut()
  }

  func put() throws -> Outcome? {
    advance()
    _ = try node.put(now, key: world.record.key, value: world.record.value)
    return carryOut()
  }

  /// The answer to a GET of a contact.
  func answerGet() -> Response? {
    advance()
    let query = Query(
      sender: world.peers[0].id, method: .get(target: world.record.target, kind: .plain, seq: nil))
    node.receive(
      now, Message(transaction: ShortBytes(1), body: .query(query)), from: world.peers[0].endpoint)
    guard node.exchangeEffects(for: &effects) else { return nil }
    for case .send(let message, _) in effects {
      if case .response(let response) = message.body { return response }
    }
    return nil
  }

  /// Each put needs a time of its own, and a node forgets the deadlines of what was answered when it is
  /// asked for the next.
  private func advance() {
    now.monotonic = now.monotonic + .microseconds(1)
    now.wall.microseconds += 1
    keep(node.nextDeadline)
  }

  /// Carries effects out until there are none, and gives the outcome of the last operation that ended.
  private func carryOut() -> Outcome? {
    var outcome: Outcome?
    while node.exchangeEffects(for: &effects) {
      for effect in effects {
        switch effect {
        case .send(let message, let endpoint):
          guard case .query(let query) = message.body, let answer = answer(to: query.method, at: endpoint)
          else { continue }
          node.receive(
            now, Message(transaction: message.transaction, body: .response(answer)), from: endpoint)
        case .commit(let change, let id):
          node.committed(now, id, Result { () throws(StoreError) in try store.apply(change) })
        case .finished(_, let ended): outcome = ended
        case .resolveBootstrap, .notice: continue
        }
      }
    }
    return outcome
  }

  private func answer(to method: Query.Method, at endpoint: Endpoint) -> Response? {
    guard let answer = world.answer(of: endpoint) else { return nil }
    if case .put(let record, _, _) = method {
      return Response(sender: answer.sender, storedSeq: record.version.seq)
    }
    return answer
  }
}
