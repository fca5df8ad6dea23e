import EventLoop
import Kademlia
import Logging
import NodeTime
import SystemPackage
import Testing

@testable import NodeRuntime

/// A driver in virtual time, with a peer on loopback that the limits of its node apply to.
private final class DriverWorld {
  let time: VirtualTime
  let captured = CapturedLog()
  let store = ScriptedStore()
  let driver: NodeDriver
  private let peer: LoopbackSocket

  /// - Parameter change: changes the limits.
  init(on loop: EventLoop, _ time: VirtualTime, _ change: (inout FloodLimits) -> Void) throws {
    self.time = time
    var settings = NodeSettings(id: NodeID(sha1Of: []), port: 0, binding: .addresses(["127.0.0.1"]))
    settings.parameters.floods.loopback = .counted
    change(&settings.parameters.floods)
    peer = try LoopbackSocket()
    driver = NodeDriver(
      settings, store: store, sockets: try UDPSockets(settings), loop: loop,
      logger: captured.logger)
  }

  /// Hands datagrams of the peer to the driver, and ends the iteration.
  ///
  /// - Returns: the datagrams that the peer gets.
  @discardableResult
  func receive(_ datagrams: [UInt8]...) -> [String] {
    for datagram in datagrams {
      driver.port.receive(datagram.span.bytes, from: peer.endpoint, for: driver)
    }
    driver.endIteration()
    return peer.receiveAll()
  }

  /// Lets the driver ping the peer.
  ///
  /// - Returns: the transaction of the ping.
  func ping(_ completion: @escaping (Outcome) -> Void) throws -> UInt32 {
    try driver.submit(.ping(peer.endpoint), for: .anybody, completion: completion)
    driver.endIteration()
    let query = try decoded(try #require(peer.receive()))
    return try #require(query.transaction.number)
  }
}

@Suite("The driver of a node")
struct NodeDriverTests {
  /// Runs a body on an event loop, and stops the driver after it.
  private func withDriver(
    limits change: @escaping @Sendable (inout FloodLimits) -> Void = { _ in },
    _ body: @escaping @Sendable (DriverWorld) throws -> Void
  ) async throws {
    let time = VirtualTime()
    let loop = try EventLoop(clock: { time.now })
    do {
      try await loop.run {
        let world = try DriverWorld(on: loop, time, change)
        defer { world.driver.stop() }
        try body(world)
      }
    } catch {
      await loop.stop()
      throw error
    }
    await loop.stop()
  }

  private static let pong = "1:y1:re"
  private static let busy = "d1:eli400e4:busye1:t2:aa"
  private static let malformed = "d1:eli203e15:'id' is missinge1:t2:aa"

  @Test("a query is answered at the end of the iteration")
  func query() async throws {
    try await withDriver { world in
      let answers = world.receive(Datagrams.ping)
      #expect(answers.count == 1)
      #expect(answers.allSatisfy { $0.hasSuffix(Self.pong) })
    }
  }

  @Test("a node whose store fails stops before it sends anything more, and logs it once")
  func storeFailure() async throws {
    try await withDriver { world in
      var failures: [NodeFailure?] = []
      world.driver.whenFailed { failures.append($0) }
      world.driver.whenJoined { #expect(!$0) }
      world.store.failure = "EIO"
      #expect(world.receive(Datagrams.ping, Datagrams.ping) == [])
      #expect(failures == [.storeFailed])
      #expect(world.store.isClosed)
      #expect(world.captured.texts.count == 1)
      let line = try #require(world.captured.lines.last)
      #expect(line.level == .critical)
      #expect(line.text.hasPrefix("the record store has failed: EIO; stopping"))
      #expect(line.metadata["message_id"] == "\(JournalEvent.storeFailed.rawValue)")
      // Whoever asks later learns it at once.
      world.driver.whenFailed { failures.append($0) }
      #expect(failures == [.storeFailed, .storeFailed])
      #expect(world.receive(Datagrams.ping) == [])
      #expect(world.driver.node.counters.queriesReceived == 1)
    }
  }

  @Test("a node whose store fails at the end of an iteration leaves no timer behind")
  func storeFailureAtTheEnd() async throws {
    try await withDriver { other in
      var world: DriverWorld? = try DriverWorld(on: other.driver.loop, other.time) { _ in }
      var failures: [NodeFailure?] = []
      world?.driver.whenFailed { failures.append($0) }
      world?.driver.start()
      world?.store.breaksAtSubmit = true
      let put = OperationRequest.put(key: [1], value: [2], ttl: nil, ifSeq: nil)
      try world?.driver.submit(put, for: .anybody) { _ in }
      world?.driver.endIteration()
      #expect(failures == [.storeFailed])
      // A timer that outlived the driver would trap in the loop's last iteration.
      world = nil
      other.time.advance(seconds: 86_400)
    }
  }

  @Test("a socket that fails ends the node")
  func socketFailure() async throws {
    try await withDriver { world in
      var failure: NodeFailure?
      world.driver.whenFailed { failure = $0 }
      world.driver.handleSocketFailure(.ioError)
      #expect(failure == .socketLost)
      #expect(world.receive(Datagrams.ping) == [])
    }
  }

  @Test("an answer to a query is admitted from a source that is over its limit")
  func answerOverLimit() async throws {
    try await withDriver(limits: { $0.requestsPerSource = 1 }) { world in
      var outcomes: [Outcome] = []
      let transaction = try world.ping { outcomes.append($0) }
      world.receive(Datagrams.ping)
      world.receive(Datagrams.answer(to: transaction))
      let isAnswered = if case .ping(.answered) = outcomes.first { true } else { false }
      #expect(isAnswered, "\(outcomes)")
      #expect(world.driver.node.counters.requestsRefused == 0)
    }
  }

  @Test("after a malformed answer, no further answer to the same query passes the rate limit")
  func malformedAnswer() async throws {
    try await withDriver(limits: { $0.requestsPerSource = 1 }) { world in
      let transaction = try world.ping { Issue.record("the ping has ended: \($0)") }
      world.receive(Datagrams.ping)
      #expect(world.receive(Datagrams.malformedAnswer(to: transaction)) == [])
      #expect(world.driver.node.counters.datagramsMalformed == 1)
      #expect(world.driver.node.counters.requestsRefused == 0)
      #expect(world.receive(Datagrams.answer(to: transaction)) == [])
      #expect(world.driver.node.counters.requestsRefused == 1)
    }
  }

  @Test("the errors that malformed queries are answered with count against the limit of their network")
  func errorReplies() async throws {
    try await withDriver(limits: { $0.unprovenBytes = 10 }) { world in
      var answers: [String] = []
      for _ in 0..<10 { answers += world.receive(Datagrams.malformedQuery) }
      // The bucket holds 80 bytes: the second answer empties it.
      #expect(answers.count == 2)
      #expect(answers.allSatisfy { $0.hasPrefix(Self.malformed) })
      #expect(world.driver.node.counters.datagramsMalformed == 10)
      #expect(world.driver.node.counters.answersWithheld == 8)
      world.time.advance(seconds: 60)
      #expect(world.receive(Datagrams.malformedQuery).count == 1)
    }
  }

  @Test("a source over its limit is answered that the node is busy, eight times, and then ignored")
  func refusals() async throws {
    try await withDriver(limits: { $0.requestsPerSource = 1 }) { world in
      var answers: [String] = []
      for _ in 0..<12 { answers += world.receive(Datagrams.ping) }
      #expect(answers.first?.hasSuffix(Self.pong) == true)
      #expect(answers.dropFirst().count == 8)
      #expect(answers.dropFirst().allSatisfy { $0.hasPrefix(Self.busy) })
      #expect(world.driver.node.counters.requestsOverSourceLimit == 3)
      let cutOff = world.captured.lines.filter {
        $0.metadata["message_id"] == "\(JournalEvent.sourceCutOff.rawValue)"
      }
      #expect(cutOff.count == 1)
    }
  }

  @Test("the changes of an iteration reach the store together, and their results the core")
  func commits() async throws {
    try await withDriver { world in
      world.driver.start()
      world.driver.endIteration()
      world.time.advance(seconds: 3)
      world.driver.advance()
      var outcomes: [Outcome] = []
      for key in [[1], [2]] as [[UInt8]] {
        let put = OperationRequest.put(key: key, value: [3], ttl: nil, ifSeq: nil)
        try world.driver.submit(put, for: .anybody) { outcomes.append($0) }
      }
      #expect(world.store.batches == [])
      world.driver.endIteration()
      #expect(world.store.batches.first.map { $0 >= 2 } == true)
      #expect(outcomes.count == 2)
      #expect(world.driver.vitals == Vitals(isJoined: true, contacts: 0, keys: 2))
    }
  }

  @Test("a stopped driver and its store are released")
  func release() async throws {
    try await withDriver { other in
      let time = other.time
      var world: DriverWorld? = try DriverWorld(on: other.driver.loop, time) { _ in }
      let store = world?.store
      weak let driver = world?.driver
      try world?.driver.listen()
      world?.driver.start()
      world?.driver.endIteration()
      #expect(driver != nil)
      world?.driver.stop()
      world = nil
      withExtendedLifetime(store) { #expect(driver == nil) }
    }
  }

  @Test("a store that stalls is logged by the driver's own timer")
  func stall() async throws {
    try await withDriver { world in
      world.driver.start()
      world.time.advance(seconds: 3)
      world.driver.advance()
      world.store.resultLimit = 0
      let put = OperationRequest.put(key: [1], value: [2], ttl: nil, ifSeq: nil)
      try world.driver.submit(put, for: .anybody) { _ in }
      world.driver.endIteration()
      for _ in 0..<4 {
        world.time.advance(seconds: 6)
        world.driver.advance()
        world.driver.endIteration()
      }
      #expect(world.captured.texts.count { $0.hasPrefix("the disk has not finished a write for 10 s") } == 1)
    }
  }
}
