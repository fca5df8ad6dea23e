import KRPC
import Kademlia
import Logging
import NIOCore

/// Owns the core on its event loop: tells it what happens, and carries out what it wants done.
///
/// Nothing here is locked or awaited. All of it is called on one event loop, the one that reads the
/// sockets and runs the timer.
package final class NodeDriver {
  /// What is told of an operation when it ends.
  package typealias Completion = (Outcome) -> Void

  package let eventLoop: any EventLoop
  package private(set) var node: Node
  package let store: MemoryStore
  package let started: Now
  package let endpoints: [Endpoint]
  /// Datagrams that were no message.
  package private(set) var malformedDatagrams: Int64 = 0
  /// Datagrams that a full socket buffer had no room for.
  package private(set) var droppedDatagrams: Int64 = 0

  private let sockets: UDPSockets
  /// The families whose sockets have datagrams to let out.
  private var written: AddressFamilies = []
  private let resolver: NameResolver
  private let bootstrapNames: [NodeName]
  private let logger: Logger
  private var completions: [OperationID: Completion] = [:]
  private var joined: [() -> Void] = []
  private var timer: (deadline: Instant, task: Scheduled<Void>)?
  private var isStopped = false
  /// One buffer in which every message takes its wire form.
  private var wire: [UInt8] = []

  init(
    _ configuration: NodeConfiguration, sockets: UDPSockets, resolver: NameResolver,
    eventLoop: any EventLoop, logger: Logger
  ) {
    self.eventLoop = eventLoop
    self.sockets = sockets
    self.resolver = resolver
    self.bootstrapNames = configuration.bootstrap
    self.logger = logger
    self.started = SystemClock.now
    self.endpoints = sockets.endpoints
    self.store = MemoryStore(maxBytes: configuration.storeBytes)
    var random = BufferedRandom()
    let identity = Node.Identity(
      id: configuration.id, endpoints: sockets.endpoints.filter { !$0.isWildcard },
      families: sockets.families,
      tokenSecret: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
    self.node = Node(
      started, identity: identity, parameters: configuration.parameters, records: store,
      random: random)
    wire.reserveCapacity(KRPC.maxDatagramSize)
  }

  // MARK: - Life

  /// Begins to join the network.
  func start() {
    event { node.start($0, hasBootstrap: !bootstrapNames.isEmpty) }
  }

  /// Calls back once the first join has ended; at once if it has.
  func whenJoined(_ callback: @escaping () -> Void) {
    if node.isJoined { callback() } else { joined.append(callback) }
  }

  /// Lets go of the timer and of whoever waits. Nothing happens after this.
  func stop() {
    isStopped = true
    timer?.task.cancel()
    timer = nil
    completions = [:]
    joined = []
  }

  // MARK: - Operations

  /// Begins an operation and calls back when it ends, unless it is refused.
  ///
  /// - Throws: `OperationRefusal`, and then nothing was begun.
  package func operate(
    _ begin: (inout Node, Now) throws(OperationRefusal) -> OperationID,
    completion: @escaping Completion
  ) throws(OperationRefusal) {
    let operation = try begin(&node, SystemClock.now)
    completions[operation] = completion
    perform()
    flush()
  }

  /// Looks names up and hands their endpoints over.
  package func resolve(_ names: [NodeName], then use: @escaping ([Endpoint]) -> Void) {
    resolver.resolve(names, on: eventLoop).assumeIsolated().whenComplete { result in
      // The thread pool has been stopped: so has this node.
      guard case .success(let endpoints) = result else { return }
      use(endpoints)
    }
  }

  // MARK: - What happens

  func received(_ datagram: ByteBuffer, from source: Endpoint) {
    guard !isStopped else { return }
    do throws(MalformedMessage) {
      let message = try KRPC.decode(datagram.readableBytesSpan)
      node.receive(SystemClock.now, message, from: source)
      perform()
    } catch {
      malformedDatagrams += 1
      logger.trace("malformed datagram", metadata: ["peer": "\(source)", "reason": "\(error.reason)"])
      if let reply = error.reply { send(reply, to: source) }
    }
  }

  func socketFailed(_ error: any Error) {
    logger.debug("socket error", metadata: ["error": "\(error)"])
  }

  /// Tells the node of something, carries out what it wants, and lets it out at once.
  private func event(_ happen: (Now) -> Void) {
    guard !isStopped else { return }
    happen(SystemClock.now)
    perform()
    flush()
  }

  // MARK: - What is to be done

  private func perform() {
    while node.hasEffects {
      for effect in node.takeEffects() { perform(effect) }
    }
    setTimer()
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .send(let message, let endpoint):
      send(message, to: endpoint)
    case .commit(let record, let id):
      do throws(StoreError) {
        try store.write(record)
        node.committed(SystemClock.now, id, .success(()))
      } catch {
        node.committed(SystemClock.now, id, .failure(error))
      }
    case .removeExpired:
      store.removeExpired(at: SystemClock.now.wall)
    case .resolveBootstrap:
      resolve(bootstrapNames) { [self] endpoints in
        event { node.bootstrapResolved($0, endpoints) }
      }
    case .finished(let operation, let outcome):
      completions.removeValue(forKey: operation)?(outcome)
    case .notice(let notice):
      log(notice)
      if case .joined = notice {
        let callbacks = joined
        joined = []
        for callback in callbacks { callback() }
      }
    }
  }

  private func send(_ message: Message, to endpoint: Endpoint) {
    guard let channel = sockets.channel(for: endpoint.address.family) else { return }
    guard channel.isWritable else {
      droppedDatagrams += 1
      return
    }
    written.insert(AddressFamilies(endpoint.address.family))
    KRPC.encode(message, into: &wire)
    var buffer = channel.allocator.buffer(capacity: wire.count)
    buffer.writeBytes(wire)
    channel.write(
      AddressedEnvelope(remoteAddress: SocketAddress(endpoint), data: buffer), promise: nil)
  }

  /// Lets out what has been written, many datagrams with one system call.
  func flush() {
    guard written.rawValue != 0 else { return }
    if written.contains(.v4) { sockets.v4?.flush() }
    if written.contains(.v6) { sockets.v6?.flush() }
    written = AddressFamilies()
  }

  /// Has `advance` called when the node's next deadline is reached.
  private func setTimer() {
    let deadline = node.nextDeadline
    // One that is set for earlier finds nothing due and sets the next: most deadlines are those of
    // queries that get answered, and it costs more to move the timer for each.
    if let timer, timer.deadline <= deadline { return }
    timer?.task.cancel()
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: NIODeadline(deadline)) { [self] in
      timer = nil
      event { node.advance($0) }
    }
    timer = (deadline, task)
  }

  private func log(_ notice: Notice) {
    switch notice {
    case .joined(let contacts):
      logger.info("joined the network", metadata: ["contacts": "\(contacts)"])
    case .bootstrapUnanswered(let attempt, let pause):
      // Once is news; that nothing has changed since is not.
      logger.log(
        level: attempt == 1 ? .warning : .debug, "no bootstrap address answers; trying again",
        metadata: ["in": "\(pause.components.seconds) s"])
    case .contactAdded(let peer):
      logger.debug("new contact", metadata: ["node": "\(peer.id)", "address": "\(peer.endpoint)"])
    case .contactLost(let peer):
      logger.info("lost a contact", metadata: ["node": "\(peer.id)", "address": "\(peer.endpoint)"])
    case .isolated:
      logger.warning("lost the last contact: this node is alone until one comes back")
    case .merging(let peer):
      logger.info(
        "met another part of the network",
        metadata: ["node": "\(peer.id)", "address": "\(peer.endpoint)"])
    }
  }
}

extension Endpoint {
  /// Whether this is no address but all of them.
  var isWildcard: Bool {
    switch address {
    case .v4(let bits): bits == 0
    case .v6(let high, let low): high == 0 && low == 0
    }
  }
}
