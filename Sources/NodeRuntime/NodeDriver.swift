package import EventLoop
package import Kademlia
import KRPC
import Logging
import NodeTime
import Sealing
import SystemPackage

/// Drives the core of a node on its event loop: passes events to it, calls it at its next deadline, and
/// carries out its effects.
///
/// There are no locks and no awaits: everything is called on one event loop, which reads the sockets and runs
/// the timer.
package final class NodeDriver {
  /// The event loop on which everything is called.
  package let loop: EventLoop
  /// The core.
  private(set) var node: Node
  /// The records that this node holds.
  let store: any RecordStorage
  /// The time at which the node was made.
  let started: Now
  /// The bound addresses, IPv4 first.
  let endpoints: [Endpoint]
  /// The node's condition at the end of the last iteration.
  package private(set) var vitals = Vitals()
  /// Called when the vitals have changed.
  package var vitalsChanged: (() -> Void)?
  /// Called when a contact was added, lost or forgotten.
  package var contactsChanged: (() -> Void)?

  private let clock: NodeClock
  private let log: NodeLog
  let port: DatagramPort<NodeDriver>
  let names: NameLookups
  private var storeLink: StoreLink
  private let savedContacts: [Peer]
  private let savedUnreachable: UnreachableNodes
  private var timer: DeadlineTimer
  private var completions: [OperationID: (Outcome) -> Void] = [:]
  private var joinWaiters = Waiters<Bool>()
  private var failureWaiters = Waiters<NodeFailure?>()
  private var isStopped = false
  /// The reason why this node stopped by itself; nil if it did not.
  private var failure: NodeFailure?
  /// True if the contacts or the store may have changed since the vitals were taken.
  private var areVitalsStale = true
  /// An array for the effects of the core, kept for its capacity.
  private var spareEffects: [Effect] = []

  init(
    _ settings: NodeSettings, store: any RecordStorage, sockets: UDPSockets, loop: EventLoop,
    logger: Logger
  ) {
    let clock = NodeClock { loop.now }
    let log = NodeLog(logger)
    self.loop = loop
    self.clock = clock
    self.log = log
    self.store = store
    started = clock.now
    endpoints = sockets.endpoints
    savedContacts = settings.savedContacts
    savedUnreachable = settings.unreachable
    port = DatagramPort(
      sockets, seal: settings.keyring.map { NetworkSeal($0, maxSessions: settings.maxSessions) },
      clock: clock, log: log)
    names = NameLookups(
      bootstrap: settings.bootstrap, maxClientLookups: settings.nameLookUps,
      bootstrapResolver: NameResolver(on: loop), clientResolver: NameResolver(on: loop), log: log)
    storeLink = StoreLink(store, log: log)
    timer = DeadlineTimer(on: loop)
    var random = BufferedRandom()
    var identity = Node.Identity(
      id: settings.id, endpoints: sockets.endpoints, families: sockets.families,
      tokenSecret: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) },
      key: settings.identityKey)
    identity.tellsAddresses = settings.tellsAddresses
    node = Node(
      started, identity: identity, parameters: settings.parameters, records: store, random: random,
      encodedSize: { KRPC.encodedSize($0) })
    timer.callBack = { [unowned self] in advance() }
    let bound = LoopBound(self, on: loop)
    store.notify {
      loop.execute { bound.value.event { _ in bound.value.collect() } }
    }
  }

  /// Begins to receive datagrams.
  ///
  /// - Throws: the cause, if the system cannot watch a socket.
  func listen() throws(Errno) {
    try port.open(for: self, on: loop)
    loop.onIterationEnd(for: self) { [unowned self] in endIteration() }
  }

  // MARK: - Life

  /// Begins to join the network.
  func start() {
    let names = names.bootstrapNames
    // What was forgotten of other names says nothing about these.
    let isForgotten = !names.isEmpty && Set(names) == Set(savedUnreachable.forgottenNames)
    event {
      node.start(
        $0, hasBootstrap: !names.isEmpty, isBootstrapForgotten: isForgotten, remembered: savedContacts,
        silent: savedUnreachable.nodes)
    }
  }

  /// Calls back when the first join has ended, or at once if it has already: with true, or with false if the
  /// node stops first.
  func whenJoined(_ callBack: @escaping (Bool) -> Void) {
    if isStopped || node.isJoined { callBack(!isStopped) } else { joinWaiters.add(callBack) }
  }

  /// Calls back when this node has stopped by itself, or at once if it has already: with the reason, or with
  /// nil once the caller should wait no longer.
  func whenFailed(_ callBack: @escaping (NodeFailure?) -> Void) {
    if isStopped { callBack(failure) } else { failureWaiters.add(callBack) }
  }

  /// Calls back everyone who waits for the join or for a failure: neither has come.
  func stopWaiting() {
    for callBack in joinWaiters.takeAll() { callBack(false) }
    for callBack in failureWaiters.takeAll() { callBack(failure) }
  }

  /// Uses other parameters, bootstrap names and limits from now on.
  func reconfigure(_ settings: NodeSettings) {
    store.maxBytes = settings.storeBytes
    if let keyring = settings.keyring { adopt(keyring) }
    event { node.adopt($0, settings.parameters) }
    guard names.adopt(bootstrap: settings.bootstrap, maxClientLookups: settings.nameLookUps) else { return }
    event { node.bootstrapChanged($0, hasBootstrap: !names.bootstrapNames.isEmpty) }
  }

  /// Stops the node because it cannot go on.
  private func fail(_ reason: NodeFailure) {
    guard !isStopped else { return }
    failure = reason
    stop()
  }

  /// Closes the sockets and the store, cancels the timer, and calls back everyone who waits. Nothing happens
  /// after this.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    port.close(on: loop)
    loop.removeIterationEnd(for: self)
    timer.cancel()
    completions = [:]
    names.stop()
    stopWaiting()
    storeLink.close()
  }

  // MARK: - State

  /// True if the core is called in time: less than five seconds after its deadline.
  package var isOnTime: Bool { clock.now.monotonic.since(node.nextDeadline) < .seconds(5) }

  /// The other nodes that this node knows.
  var knownNodes: KnownNodes {
    var unreachable = UnreachableNodes()
    unreachable.nodes = node.silentNodes(clock.now.monotonic)
    if node.isBootstrapForgotten { unreachable.forgottenNames = names.bootstrapNames }
    return KnownNodes(contacts: node.latestContacts, unreachable: unreachable)
  }

  /// Forgets a silent node, or all of them.
  package func forget(_ id: NodeID?) -> [Peer] {
    var forgotten: [Peer] = []
    event { forgotten = node.forget($0, id) }
    contactsChanged?()
    return forgotten
  }

  /// The keys of the node's private network; nil in an open one.
  var keyring: Keyring? { port.keyring }

  /// Encrypts and decrypts with other keys from now on. An open network stays open.
  func adopt(_ keyring: Keyring) { port.adopt(keyring) }

  // MARK: - Operations

  /// Begins an operation, and calls back when it ends.
  ///
  /// - Throws: `OperationRefusal`. In this case nothing was begun.
  package func submit(
    _ request: OperationRequest, for client: ClientID, completion: @escaping (Outcome) -> Void
  ) throws(OperationRefusal) {
    let operation = try request.begin(on: &node, clock.now, for: client)
    completions[operation] = completion
    perform()
    // Requests made while the iteration ends would otherwise wait for the next one.
    if loop.isEndingIteration { loop.requestIteration() }
  }

  /// Drops the waiting reads of a client that has left.
  package func handleDeparture(of client: ClientID) {
    for operation in node.clientLeft(client) { completions[operation] = nil }
  }

  // MARK: - Events

  /// Passes an event to the core, and carries out its effects.
  private func event(_ handle: (Now) -> Void) {
    guard !isStopped else { return }
    handle(clock.now)
    areVitalsStale = true
    perform()
  }

  /// Lets the core do everything that is due by now.
  func advance() {
    event { node.advance($0) }
  }

  /// Hands over the store changes and the messages of this iteration, and sets the timer.
  func endIteration() {
    clock.endIteration()
    guard !isStopped else { return }
    while storeLink.hasChanges {
      storeLink.submit(clock.now.monotonic)
      collect()
    }
    // The store may have failed, and stopped this node.
    guard !isStopped else { return }
    port.flush()
    timer.set(for: node.nextDeadline)
    if areVitalsStale { takeVitals() }
  }

  /// Passes the results of store changes to the core.
  private func collect() {
    let results = storeLink.takeResults(clock.now.monotonic)
    if !results.isEmpty { areVitalsStale = true }
    for result in results { node.committed(clock.now, result.id, result.result) }
    perform()
  }

  private func takeVitals() {
    areVitalsStale = false
    let usage = store.usage
    storeLink.check(clock.now.monotonic, usage)
    let current = Vitals(
      isJoined: node.isJoined, contacts: node.table.count, silent: node.silentCount, standing: node.standing,
      keys: usage.values)
    guard current != vitals else { return }
    vitals = current
    vitalsChanged?()
  }

  // MARK: - Effects

  private func perform() {
    // An effect may lead back here, so that the array belongs to this call while it is iterated over.
    var taken: [Effect] = []
    swap(&taken, &spareEffects)
    while node.exchangeEffects(for: &taken) {
      guard storeWorks() else { return }
      for effect in taken { perform(effect) }
    }
    swap(&taken, &spareEffects)
  }

  /// Returns whether the store works. If it does not, the node fails before it sends anything that relies on
  /// the store.
  private func storeWorks() -> Bool {
    guard let reason = storeLink.failure else { return true }
    if !isStopped { log.logStoreFailure(reason) }
    fail(.storeFailed)
    return false
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .send(let message, let endpoint): send(message, to: endpoint)
    case .commit(let change, let id): storeLink.add(change, id)
    case .resolveBootstrap:
      names.resolveBootstrap { [weak self] resolved in
        self?.event { now in
          self?.node.bootstrapResolved(now, resolved.endpoints, unresolved: resolved.unresolved.count)
        }
      }
    case .finished(let operation, let outcome):
      completions.removeValue(forKey: operation)?(outcome)
    case .notice(let notice): handle(notice)
    }
  }

  private func send(_ message: Message, to endpoint: Endpoint) {
    if !isStopped { port.send(message, to: endpoint) }
  }

  private func handle(_ notice: Notice) {
    log.log(notice)
    areVitalsStale = true
    switch notice {
    case .joined: for callBack in joinWaiters.takeAll() { callBack(true) }
    case .contactAdded, .contactLost: contactsChanged?()
    default: break
    }
  }
}

extension NodeDriver: DatagramReceiver {
  func receive(
    _ now: Now, bytes: Int, from source: Endpoint, answering transaction: UInt32?,
    decode: () -> DecodedDatagram
  ) -> Admission {
    defer { perform() }
    return node.receive(now, bytes: bytes, from: source, answering: transaction, decode: decode)
  }

  func handleSocketFailure(_ error: Errno) {
    log.logSocketError(error)
    fail(.socketLost)
  }
}
