package import EventLoop
package import Kademlia
import KRPC
import Logging
package import NodeTime
package import Sealing
import SystemPackage

/// Owns the core on its event loop: tells it what happens, and carries out what it wants done.
///
/// Nothing here is locked or awaited. All of it is called on one event loop, the one that reads the
/// sockets and runs the timer.
package final class NodeDriver {
  /// What is told of an operation when it ends.
  package typealias Completion = (Outcome) -> Void

  /// The loop on which all of this is called.
  package let loop: EventLoop
  /// The core.
  package private(set) var node: Node
  /// The records that this node holds.
  package let store: any RecordStorage
  /// When the node was made.
  package let started: Now
  /// What is bound, IPv4 first.
  package let endpoints: [Endpoint]
  /// Datagrams that were no message.
  package private(set) var malformedDatagrams: Int64 = 0
  private let sockets: UDPSockets
  private let resolver = NameResolver()
  /// That of clients: names of theirs that nobody answers for do not hold up those of the bootstrap nodes.
  private let clientResolver = NameResolver()
  /// Look-ups for clients under way, and the most of them.
  private var clientLookUps = 0
  private var mostClientLookUps: Int
  private var bootstrapNames: [NodeName]
  private let savedContacts: [Peer]
  /// Those of the names that could not be looked up last.
  private var unresolvedNames: [NodeName] = []
  private let logger: Logger
  private var completions: [OperationID: Completion] = [:]
  /// Those who wait for the first join, and those who wait for the end.
  private var joined: [(Bool) -> Void] = []
  private var ended: [(NodeFailure?) -> Void] = []
  private var timer: (deadline: Instant, timer: LoopTimer)?
  /// The time of this iteration, once a datagram has needed it: what is read together has come together.
  private var iterationTime: Now?
  private var isStopped = false
  /// Why this node has stopped of itself; nil if it has not.
  private var failure: NodeFailure?
  /// What was said of the store, so that it is not said again.
  private var knownDamage = 0
  /// When the store last refused for want of room; nil once there is room again.
  private var lastFull: Instant?
  /// When a change of the store last failed for another reason, and that was told.
  private var lastComplaint: Instant?
  private var floodLog = FloodLog()
  /// Changes that the store has not told the end of, and since when none has come to its end.
  private var unanswered = 0
  private var waitingSince: Instant?
  /// How the node is, as last told.
  package private(set) var vitals = Vitals()
  /// Told when the vitals have changed.
  package var vitalsChanged: (() -> Void)?
  /// What the core wants of the store since it was last given anything.
  private var changes: [(change: StoreChange, id: CommitID)] = []
  /// Told when a contact has come or gone.
  package var contactsChanged: (() -> Void)?
  /// Whether the contacts or the store may have changed since that was last looked at.
  private var mayHaveNews = true
  /// What seals and opens in a private network; nil in an open one, for as long as the node runs.
  private var seal: NetworkSeal?
  /// The message of a sealed datagram, kept for its room.
  private var spareMessage: [UInt8] = []
  /// An array for the core to put its effects in, kept for its room.
  private var spareEffects: [Effect] = []

  init(
    _ settings: NodeSettings, store: any RecordStorage, sockets: UDPSockets, loop: EventLoop,
    logger: Logger
  ) {
    self.loop = loop
    self.sockets = sockets
    self.bootstrapNames = settings.bootstrap
    self.savedContacts = settings.savedContacts
    self.mostClientLookUps = settings.nameLookUps
    self.logger = logger
    self.started = SystemClock.now
    self.endpoints = sockets.endpoints
    self.store = store
    var random = BufferedRandom()
    self.seal = settings.keyring.map {
      NetworkSeal($0, maxSessions: settings.maxSessions)
    }
    let identity = Node.Identity(
      id: settings.id, endpoints: sockets.endpoints,
      families: sockets.families,
      tokenSecret: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) },
      key: settings.identityKey)
    self.node = Node(
      started, identity: identity, parameters: settings.parameters, records: store,
      random: random)
    let bound = LoopBound(self, on: loop)
    store.notify {
      loop.execute { bound.value.event { _ in bound.value.collect() } }
    }
  }

  /// Begins to hear others.
  ///
  /// - Throws: the cause, if the system does not watch a socket.
  func listen() throws(Errno) {
    for socket in sockets.all { try socket.start(self, on: loop) }
    loop.onIterationEnd(for: self) { [unowned self] in flush() }
  }

  // MARK: - Life

  /// Begins to join the network.
  func start() {
    event { node.start($0, hasBootstrap: !bootstrapNames.isEmpty, remembered: savedContacts) }
  }

  /// Calls back once the first join has ended, with true, at once if it has; or with false once it will
  /// not.
  func whenJoined(_ callBack: @escaping (Bool) -> Void) {
    if isStopped { callBack(false) } else if node.isJoined { callBack(true) } else { joined.append(callBack) }
  }

  /// Calls back once this node has stopped of itself, with why, at once if it has; or with nil once that
  /// is not waited for any more.
  func whenEnded(_ callBack: @escaping (NodeFailure?) -> Void) {
    if isStopped { callBack(failure) } else { ended.append(callBack) }
  }

  /// This node cannot go on.
  func fail(_ reason: NodeFailure) {
    guard !isStopped else { return }
    failure = reason
    stop()
  }

  /// Takes other numbers, bootstrap names and limits while it runs.
  func reconfigure(_ settings: NodeSettings) {
    store.maxBytes = settings.storeBytes
    mostClientLookUps = settings.nameLookUps
    if let keyring = settings.keyring { adopt(keyring) }
    event { node.adopt($0, settings.parameters) }
    guard settings.bootstrap != bootstrapNames else { return }
    bootstrapNames = settings.bootstrap
    event { node.bootstrapChanged($0, hasBootstrap: !bootstrapNames.isEmpty) }
  }

  /// The keys of the private network that this node belongs to; nil in an open one.
  package var keyring: Keyring? { seal?.keyring }

  /// What became of the datagrams that came; nil in an open network, where none is opened.
  package var openingCounts: OpeningCounts? { seal?.openingCounts }

  /// The sessions of other nodes that are known; 0 in an open network.
  package var sealedSessions: Int { seal?.sessions ?? 0 }

  /// Seals and opens with other keys from now on. An open network stays open.
  package func adopt(_ keyring: Keyring) { seal?.adopt(keyring) }

  /// The contacts, those that have answered last before the others.
  package var latestContacts: [Peer] { node.latestContacts }

  /// Lets go of those who wait: what they waited for has not come.
  func stopWaiting() {
    let (waitingForJoin, waitingForEnd) = (joined, ended)
    joined = []
    ended = []
    for callBack in waitingForJoin { callBack(false) }
    for callBack in waitingForEnd { callBack(failure) }
  }

  /// Datagrams that the system would not take.
  package var droppedDatagrams: Int64 { sockets.all.reduce(0) { $0 + $1.droppedDatagrams } }

  /// Whether the core is called when it wants to be: it has waited for no more than some seconds.
  package var isOnTime: Bool {
    SystemClock.now.monotonic.since(node.nextDeadline) < .seconds(5)
  }

  /// Lets go of the timer and of whoever waits. Nothing happens after this.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    for socket in sockets.all { socket.close(on: loop) }
    loop.removeIterationEnd(for: self)
    timer?.timer.cancel()
    timer = nil
    completions = [:]
    stopWaiting()
    store.submit(changes)
    changes = []
    store.close()
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
    // What is asked for while the iteration ends would wait for the next one.
    if loop.isEndingIteration { loop.requestIteration() }
  }

  /// A client is gone: what it only wanted to know, and has not begun, is dropped.
  package func clientLeft(_ client: ClientID) {
    for operation in node.clientLeft(client) { completions[operation] = nil }
  }

  /// Looks names up for a client and hands their endpoints over, later.
  ///
  /// - Throws: `OperationRefusal.busy` where as many look-ups are under way as may be.
  package func resolve(
    _ names: [NodeName], then use: @escaping ([Endpoint]) -> Void
  ) throws(OperationRefusal) {
    guard clientLookUps < mostClientLookUps else { throw .busy(limit: mostClientLookUps) }
    clientLookUps += 1
    resolve(names, with: clientResolver) { [unowned self] resolved in
      clientLookUps -= 1
      use(resolved.endpoints)
    }
  }

  private func resolve(
    _ names: [NodeName], with resolver: NameResolver, then use: @escaping (NameResolver.Resolved) -> Void
  ) {
    resolver.resolve(names, on: loop) { [weak self] resolved in
      guard let self, !isStopped else { return }
      use(resolved)
    }
  }

  private func resolveBootstrap() {
    let names = bootstrapNames
    resolve(names, with: resolver) { [self] resolved in
      // By the time a slow look-up ends, others may have taken the place of these.
      guard names == bootstrapNames else { return }
      // Once is news; that nothing has changed since is not.
      if resolved.unresolved != unresolvedNames {
        unresolvedNames = resolved.unresolved
        for name in unresolvedNames {
          logger.warning("cannot look up the bootstrap node \(name.host):\(name.port); trying again")
        }
      }
      event {
        node.bootstrapResolved($0, resolved.endpoints, unresolved: resolved.unresolved.count)
      }
    }
  }

  // MARK: - What happens

  func received(_ datagram: RawSpan, from source: Endpoint) {
    guard !isStopped else { return }
    guard seal != nil else { return receivedOpen(datagram, from: source) }
    let now = iterationTime ?? SystemClock.now
    iterationTime = now
    // Its content is read while answers are sealed.
    var message: [UInt8] = []
    swap(&message, &spareMessage)
    // Nobody learns that there is a node here, let alone why it does not answer.
    if seal?.open(now, datagram, into: &message) == true {
      receivedOpen(message.span.bytes, from: source)
    }
    swap(&message, &spareMessage)
  }

  private func receivedOpen(_ datagram: RawSpan, from source: Endpoint) {
    let now = iterationTime ?? SystemClock.now
    iterationTime = now
    let transaction = KRPC.answeredTransaction(in: datagram)
    let admission = node.admit(
      now.monotonic, bytes: datagram.byteCount, from: source, answering: transaction)
    guard case .admitted = admission else { return turnAway(datagram, from: source, admission) }
    do throws(MalformedMessage) {
      let message = try KRPC.decode(datagram)
      logger.trace("received a \(message.word)", metadata: .message(message, source))
      if let transaction, !message.answers(transaction) {
        // It was let in as an answer to a query of ours, and is none.
        malformedDatagrams += 1
        node.wasMalformed(answering: transaction)
        return
      }
      node.receive(now, message, from: source)
      perform()
    } catch {
      malformedDatagrams += 1
      if let transaction { node.wasMalformed(answering: transaction) }
      logger.debug("malformed datagram", metadata: ["peer": "\(source)", "reason": "\(error.reason)"])
      if let reply = error.reply, node.permitsAnswer(now.monotonic, to: source) { send(reply, to: source) }
    }
  }

  /// A datagram is over a limit.
  private func turnAway(_ datagram: RawSpan, from source: Endpoint, _ admission: Admission) {
    switch admission {
    case .admitted, .ignored(.source): break
    case .ignored(.all): floodLog.overloaded(SystemClock.now.monotonic, logger)
    case .refused(_, let isLast):
      refuse(datagram, from: source)
      if isLast { floodLog.cutOff(SystemClock.now.monotonic, source, logger) }
    }
  }

  /// Tells the sender of a query that it is over a limit, so that it asks elsewhere and does not wait.
  private func refuse(_ datagram: RawSpan, from source: Endpoint) {
    guard let message = try? KRPC.decode(datagram), case .query = message.body else { return }
    let refusal = Message(transaction: message.transaction, body: .error(RPCError(RPCError.busy, "busy")))
    // It goes to whoever that address belongs to: nobody gets more through us than was sent.
    guard KRPC.encodedSize(refusal) <= datagram.byteCount,
      node.permitsAnswer(SystemClock.now.monotonic, to: source)
    else { return }
    send(refusal, to: source)
  }

  func socketFailed(_ error: Errno) {
    logger.error("socket error", metadata: ["reason": "\(error)"])
    fail(.socketLost)
  }

  /// Tells the node of something, and carries out what it wants.
  private func event(_ happen: (Now) -> Void) {
    guard !isStopped else { return }
    happen(SystemClock.now)
    mayHaveNews = true
    perform()
  }

  // MARK: - What is to be done

  private func perform() {
    // An effect may lead back here, so that the array is nobody else's while it is gone through.
    var taken: [Effect] = []
    swap(&taken, &spareEffects)
    while node.exchangeEffects(for: &taken) {
      guard storeWorks() else { return }
      for effect in taken { perform(effect) }
    }
    swap(&taken, &spareEffects)
  }

  /// Tells of what may have changed with the contacts and the store.
  private func takeVitals() {
    mayHaveNews = false
    let usage = store.usage
    watchStore(usage)
    let current = Vitals(isJoined: node.isJoined, contacts: node.table.count, keys: usage.values)
    if current != vitals {
      vitals = current
      vitalsChanged?()
    }
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .send(let message, let endpoint):
      send(message, to: endpoint)
    case .commit(let change, let id):
      changes.append((change, id))
    case .resolveBootstrap:
      resolveBootstrap()
    case .finished(let operation, let outcome):
      completions.removeValue(forKey: operation)?(outcome)
    case .notice(let notice):
      log(notice)
      mayHaveNews = true
      if case .joined = notice {
        let waiting = joined
        joined = []
        for callBack in waiting { callBack(true) }
      }
    }
  }

  private func send(_ message: Message, to endpoint: Endpoint) {
    // After the end the descriptors may be somebody else's.
    guard !isStopped else { return }
    logger.trace("sends a \(message.word)", metadata: .message(message, endpoint))
    let socket = endpoint.address.family == .v4 ? sockets.v4 : sockets.v6
    let bytes =
      seal == nil
      ? socket?.send(to: endpoint) { KRPC.encode(message, appendingTo: &$0) }
      : sendSealed(message, to: endpoint, socket)
    if case .query = message.body { return }
    node.answered((iterationTime ?? SystemClock.now).monotonic, bytes: bytes ?? 0, to: endpoint)
  }

  private func sendSealed(_ message: Message, to endpoint: Endpoint, _ socket: UDPSocket?) -> Int? {
    let now = (iterationTime ?? SystemClock.now).wall
    return socket?.send(to: endpoint) { seal?.seal(now, message, appendingTo: &$0) }
  }

  /// Lets out what this iteration of the loop has led to, many datagrams with one system call.
  private func flush() {
    iterationTime = nil
    guard !isStopped else { return }
    while !changes.isEmpty {
      // All changes of one iteration of the loop end together: on a disk, one wait serves them all.
      let batch = changes
      changes = []
      if unanswered == 0 { waitingSince = SystemClock.now.monotonic }
      unanswered += batch.count
      store.submit(batch)
      collect()
    }
    sockets.v4?.flush()
    sockets.v6?.flush()
    setTimer()
    if mayHaveNews { takeVitals() }
  }

  /// Tells the node what became of its changes.
  private func collect() {
    let results = store.takeResults()
    if !results.isEmpty {
      mayHaveNews = true
      unanswered -= results.count
      waitingSince = unanswered > 0 ? SystemClock.now.monotonic : nil
    }
    for result in results {
      if case .failure(let error) = result.result { log(error) }
      node.committed(SystemClock.now, result.id, result.result)
    }
    perform()
  }

  /// Whether the store works; if not, this node ends before it says anything that rests on it.
  private func storeWorks() -> Bool {
    guard let reason = store.failure else { return true }
    if !isStopped {
      logger.critical(
        """
        the record store has failed: \(reason); this node ends, and looks for what can be saved when it is \
        started again
        """,
        metadata: .event(.storeFailed))
    }
    fail(.storeFailed)
    return false
  }

  private func log(_ error: StoreError) {
    switch error {
    case .full, .diskFull:
      // Once is news; that it is so still is not.
      let isNews = lastFull == nil
      lastFull = SystemClock.now.monotonic
      guard isNews else { return }
      logger.warning(
        "records are refused: \(error); what is stored stays, and other nodes take the new ones",
        metadata: .event(.storeFull))
    case .failed:
      let now = SystemClock.now.monotonic
      guard lastComplaint.map({ now.since($0) > .seconds(60) }) ?? true else { return }
      lastComplaint = now
      logger.error("a change of the record store failed: \(error); see that its disk is sound")
    case .superseded:
      break
    }
  }

  /// Tells of what has changed with the store.
  private func watchStore(_ usage: StoreUsage) {
    // A full disk shows in nothing but refusals: when they have ended, there is room.
    if let lastFull, usage.fullness < 0.95, SystemClock.now.monotonic.since(lastFull) > .seconds(60) {
      self.lastFull = nil
      logger.info("no record was refused for want of room for a minute")
    }
    if let waiting = waitingSince, SystemClock.now.monotonic.since(waiting) > .seconds(10) {
      waitingSince = nil
      logger.error("the disk has not finished a write for 10 s; nothing is stored here until it does")
    }
    let damage = store.damagedRecords
    guard damage > knownDamage else { return }
    if knownDamage == 0 {
      logger.error(
        """
        a record on the disk is damaged and counts as missing until another node gives it back; the next \
        start looks at all records
        """,
        metadata: .event(.recordDamaged))
    }
    knownDamage = damage
  }

  /// Has `advance` called when the node's next deadline is reached.
  private func setTimer() {
    let deadline = node.nextDeadline
    // One that is set for earlier finds nothing due and sets the next: most deadlines are those of
    // queries that get answered, and it costs more to move the timer for each.
    if let timer, timer.deadline <= deadline { return }
    timer?.timer.cancel()
    let next = loop.schedule(at: deadline) { [unowned self] in
      timer = nil
      event { node.advance($0) }
    }
    timer = (deadline, next)
  }

  private func log(_ notice: Notice) {
    switch notice {
    case .joined(let contacts):
      let news: Logger.Message =
        contacts > 0 ? "joined the network" : "no other node met yet; this one is alone"
      logger.info(news, metadata: ["contacts": "\(contacts)"])
    case .bootstrapUnanswered(let attempt, let pause):
      // Once is news; that nothing has changed since is not.
      logger.log(
        level: attempt == 1 ? .warning : .debug, "no bootstrap address answers; trying again",
        metadata: .event(.bootstrapUnanswered, ["in": "\(pause.inSeconds)"]))
    case .contactAdded(let peer):
      logger.info("new contact", metadata: .peer(peer))
      contactsChanged?()
    case .contactLost(let peer):
      logger.info("lost a contact", metadata: .peer(peer))
      contactsChanged?()
    case .unanswered(let method, let endpoint):
      logger.debug("no answer", metadata: .rpc(method, endpoint))
    case .forgedRecord(let peer):
      // Whoever lies decides how often.
      logger.debug("a node answered with a forged record", metadata: .peer(peer))
    case .isolated:
      logger.warning(
        "lost the last contact: this node is alone until one comes back", metadata: .event(.isolated))
    case .merging(let peer):
      logger.info("met another part of the network", metadata: .event(.merging, .peer(peer)))
    }
  }
}

extension Message {
  /// Whether it is an answer to the query with a transaction number.
  fileprivate func answers(_ number: UInt32) -> Bool {
    if case .query = body { false } else { transaction.number == number }
  }
}

/// How a node is, in a few numbers for people.
package struct Vitals: Hashable, Sendable {
  /// Whether the first join has ended.
  package var isJoined = false
  /// Contacts in the routing table.
  package var contacts = 0
  /// Keys in the store, tombstones not counted.
  package var keys = 0
}

/// Why a node has stopped of itself.
package enum NodeFailure: Hashable, Sendable {
  /// The system has closed one of its sockets.
  case socketLost
  /// Its records cannot be read or written any more.
  case storeFailed
}
