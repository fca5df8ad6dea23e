package import Kademlia
package import NodeTime
import SeededRandom
import Signatures

/// A network of real nodes in virtual time, with one event queue and one seed. The same seed and the same
/// calls give the same run on every machine.
package struct SimulatedNetwork {
  /// The parameters of a network, besides its seed.
  package struct Configuration: Sendable {
    /// The parameters of all nodes.
    package var parameters = Parameters.simulated
    /// The addresses of the hosts.
    package var addresses = AddressPlan.privateNetwork
    /// The conditions of the links.
    package var links = LinkConditions()
    /// The source of delays; nil for the range in `links`.
    package var delays: DelayModel?
    /// True if hosts keep the notices of their nodes, for which a long run has no room.
    package var keepsNotices = true
    /// The bytes that each store may take.
    package var storeLimit = 64 << 20
    /// The time between the starts of two hosts.
    package var startInterval: Duration = .milliseconds(5)
    /// True if restarted hosts remember their contacts, as hosts with saved contacts do.
    package var remembersContacts = false
    /// True if hosts have keys from which their IDs are derived, so that they can prove them.
    package var hasIdentities = false
    /// The civil time at which the run begins.
    package var epoch = WallTime(seconds: 1_800_000_000)

    package init() {}
  }

  /// A datagram that arrives, as an observer sees it.
  package final class Datagram {
    /// The source address, which may be forged.
    package let source: Endpoint
    /// The index of the host that it reached.
    package let destination: Int
    /// The message.
    package let message: Message
    /// The purpose of the datagram, or of the query that it answers.
    let tag: UInt32
    let digest: UInt64

    init(source: Endpoint, destination: Int, message: Message, digest: UInt64, tag: UInt32) {
      self.source = source
      self.destination = destination
      self.message = message
      self.digest = digest
      self.tag = tag
    }
  }

  /// A change that a slow disk is writing.
  final class PlannedCommit {
    let host: SimulatedHost
    let life: Int
    let change: StoreChange
    let id: CommitID
    let tag: UInt32

    init(host: SimulatedHost, change: StoreChange, id: CommitID, tag: UInt32) {
      self.host = host
      self.life = host.life
      self.change = change
      self.id = id
      self.tag = tag
    }
  }

  /// An event. It is small because there are many, and large data is behind a reference.
  enum Event {
    case start(SimulatedHost, life: Int)
    case deliver(Datagram)
    case wake(SimulatedHost, life: Int)
    case commit(PlannedCommit)
    case resolved(SimulatedHost, life: Int)
  }

  /// The seed of all random choices.
  package let seed: UInt64
  /// The parameters of the network.
  package let configuration: Configuration
  /// The conditions of the links from now on.
  package var links: LinkConditions
  /// All hosts by index, including dead ones.
  package private(set) var hosts: [SimulatedHost] = []
  /// The time since the run began.
  package private(set) var time = Instant(nanoseconds: 0)
  /// A hash of the run, which is the same for the same seed.
  package private(set) var trace = TraceHash()
  /// Datagrams sent so far.
  package internal(set) var datagramsSent = 0
  /// Datagrams that did not arrive.
  package internal(set) var datagramsLost = 0
  /// Events taken from the queue so far.
  package private(set) var eventsHandled = 0
  /// Called with each event of the trace as it happens.
  package var tracer: ((TraceEntry) -> Void)?
  /// True if the datagrams of a step are sent in reverse order, so that a test can show that the order does
  /// not matter.
  package var sendsInReverse = false
  /// Called with each datagram that arrives, before its node receives it.
  package var observer: ((Datagram) -> Void)?
  /// The purposes of the traffic; nil while it is not counted.
  package internal(set) var traffic: Traffic?
  /// The hosts that have ever stored a record, for the watched targets.
  package var everHolders: [NodeID: [Int]] = [:]
  /// The hosts that return only each other.
  package var colluders = IDIndex()
  var outcomes: [Ticket: Outcome] = [:]
  var random: SplitMix64
  /// Hosts with an address of their own.
  private var placed: [Endpoint: Int] = [:]
  var queue = EventQueue<Event>()
  /// The query that is being answered, and its purpose.
  var answering: (query: Query?, tag: UInt32) = (nil, 0)

  /// A network whose first node is alone and whose others know its address. All of them are about to start.
  package init(seed: UInt64, nodes: Int, _ configuration: Configuration = Configuration()) {
    self.seed = seed
    self.configuration = configuration
    self.links = configuration.links
    self.random = SplitMix64(seed: seed)
    for index in 0..<nodes {
      addHost(
        bootstrap: index == 0 ? [] : [configuration.addresses.endpoint(of: 0)],
        startingAfter: configuration.startInterval * index)
    }
  }

  /// A host by its index.
  package subscript(host: Int) -> SimulatedHost { hosts[host] }

  /// The index of the host at an address; nil if there is none.
  package func host(at endpoint: Endpoint) -> Int? {
    if !placed.isEmpty, let index = placed[endpoint] { return index }
    guard let index = configuration.addresses.index(of: endpoint), hosts.indices.contains(index),
      hosts[index].endpoint == endpoint
    else { return nil }
    return index
  }

  /// The time by a host's clock.
  package func now(at host: Int) -> Now { now(at: hosts[host]) }

  private func now(at host: SimulatedHost) -> Now {
    now(ahead: host.clockOffset)
  }

  private func now(ahead offset: Duration) -> Now {
    let elapsed = (time.nanoseconds + offset.nanoseconds) / 1000
    return Now(
      monotonic: time,
      wall: WallTime(microseconds: configuration.epoch.microseconds + elapsed))
  }

  // MARK: - Hosts

  /// Adds a host, which starts by itself after a while.
  ///
  /// - Parameters:
  ///   - id: a random one by default.
  ///   - endpoint: that of its index by default.
  ///   - other: its address in the other family, if it has one. It can send to the families of its addresses.
  ///   - isStarted: false for a host that waits for `restart`.
  /// - Returns: the index of the host.
  @discardableResult
  package mutating func addHost(
    id: NodeID? = nil, at endpoint: Endpoint? = nil, and other: Endpoint? = nil, bootstrap: [Endpoint],
    startingAfter delay: Duration = .zero, isStarted: Bool = true
  ) -> Int {
    let index = hosts.count
    if let endpoint { placed[endpoint] = index }
    if let other { placed[other] = index }
    let endpoint = endpoint ?? configuration.addresses.endpoint(of: index)
    let key =
      configuration.hasIdentities
      ? SigningKey(
        seed: (0..<SigningKey.seedByteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
      : nil
    let identity = Node.Identity(
      id: id ?? key.map { NodeID(sha1Of: $0.publicKey.bytes) } ?? NodeID(random: &random),
      endpoints: [endpoint] + (other.map { [$0] } ?? []),
      families: other == nil ? AddressFamilies(endpoint.address.family) : .all, tokenSecret: [], key: key)
    let store = MemoryStore(maxBytes: configuration.storeLimit)
    let host = SimulatedHost(
      index: index, identity: identity,
      node: makeNode(identity, store, now(ahead: .zero)), store: store, bootstrap: bootstrap,
      place: configuration.delays?.place(of: index, seed: seed) ?? DelayPlace())
    hosts.append(host)
    if isStarted { queue.plan(.start(host, life: 0), at: time + delay) }
    return index
  }

  private mutating func makeNode(_ identity: Node.Identity, _ store: MemoryStore, _ now: Now) -> Node {
    var identity = identity
    identity.tokenSecret = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    return Node(
      now, identity: identity, parameters: configuration.parameters, records: store,
      random: SplitMix64(seed: random.next()))
  }

  /// Stops a host as a power cut would. Its plans and the datagrams on their way to it are lost.
  package mutating func kill(_ host: Int) {
    let host = hosts[host]
    if configuration.remembersContacts, host.isAlive { host.remembered = host.node.latestContacts }
    host.isAlive = false
    host.isPaused = false
    host.backlog = []
    host.life += 1
  }

  /// Kills several hosts at once.
  package mutating func kill(_ hosts: some Sequence<Int>) {
    for host in hosts { kill(host) }
  }

  /// Halts a host as SIGSTOP does.
  package mutating func pause(_ host: Int) {
    if hosts[host].isAlive { hosts[host].isPaused = true }
  }

  /// Lets a paused host go on. It handles the events that waited before its timers, as an event loop does.
  package mutating func unpause(_ host: Int) {
    let host = hosts[host]
    guard host.isPaused else { return }
    host.isPaused = false
    let backlog = host.backlog
    host.backlog = []
    for event in backlog { handle(event) }
    settle(host)
  }

  /// Removes a host for good, with its disk.
  package mutating func retire(_ index: Int) {
    kill(index)
    let host = hosts[index]
    host.remembered = []
    host.tracked = []
    host.store = MemoryStore(maxBytes: 0)
    // The state of the old node is released to save memory.
    host.node = makeNode(host.identity, host.store, now(at: host))
  }

  /// Starts a host again under its ID, with an empty table and a new token secret.
  package mutating func restart(_ index: Int, keepingRecords: Bool = true) {
    kill(index)
    let host = hosts[index]
    if !keepingRecords { host.store = MemoryStore(maxBytes: configuration.storeLimit) }
    host.node = makeNode(host.identity, host.store, now(at: host))
    start(host)
  }

  /// Starts a host in the state of a long run: it knows contacts, and its maintenance is at a random point
  /// between two rounds.
  ///
  /// - Parameter age: the time for which the node has run.
  package mutating func resume(
    _ index: Int, age: Duration, knowing contacts: [(peer: Peer, roundTrip: Duration, quiet: Duration)]
  ) {
    kill(index)
    let host = hosts[index]
    var began = now(at: host)
    began.monotonic = began.monotonic + (.zero - age)
    host.node = makeNode(host.identity, host.store, began)
    for contact in contacts {
      host.node.acquaint(
        time + (.zero - contact.quiet), with: contact.peer, roundTrip: contact.roundTrip)
    }
    start(host)
  }

  private mutating func start(_ host: SimulatedHost) {
    host.isAlive = true
    host.plannedWake = nil
    let hasBootstrap = !host.bootstrap.isEmpty || host.unresolved > 0
    host.node.start(
      now(at: host), hasBootstrap: hasBootstrap, isBootstrapForgotten: host.isBootstrapForgotten,
      remembered: host.remembered, silent: host.silent)
    settle(host)
  }

  /// Lets the user of a host say that a silent node is gone for good; nil for all silent nodes.
  ///
  /// - Returns: the nodes that were forgotten.
  package mutating func forget(_ id: NodeID? = nil, at index: Int) -> [Peer] {
    let host = hosts[index]
    defer { settle(host) }
    return host.node.forget(now(at: host), id)
  }

  // MARK: - Time

  /// Lets a duration pass.
  package mutating func run(for duration: Duration) { run(until: time + duration) }

  /// Lets time pass until an instant.
  package mutating func run(until end: Instant) {
    run(until: end) { _ in false }
    time = max(time, end)
  }

  /// Lets time pass until a condition holds, up to a limit.
  ///
  /// - Returns: whether it held.
  @discardableResult
  package mutating func run(
    until limit: Instant, or isDone: (borrowing SimulatedNetwork) -> Bool
  ) -> Bool {
    while !isDone(self) {
      guard let (due, event) = queue.popNext(by: limit) else { return false }
      time = max(time, due)
      eventsHandled += 1
      handle(event)
    }
    return true
  }

  private mutating func handle(_ event: Event) {
    if let host = pausedHost(of: event) {
      // Its next wake-up is planned when it goes on.
      if case .wake = event { host.plannedWake = nil } else { wait(event, for: host) }
      return
    }
    switch event {
    case .start(let host, let life):
      guard host.life == life else { return }
      start(host)
    case .deliver(let datagram):
      arrive(datagram)
    case .wake(let host, let life):
      guard host.isAlive, host.life == life, host.plannedWake == time else { return }
      host.plannedWake = nil
      let now = now(at: host)
      host.withNode { if $0.nextDeadline <= time { $0.advance(now) } }
      settle(host)
    case .commit(let planned):
      guard planned.host.isAlive, planned.host.life == planned.life else { return }
      answering = (nil, planned.tag)
      commit(planned.change, planned.id, at: planned.host)
      settle(planned.host)
      answering = (nil, 0)
    case .resolved(let host, let life):
      guard host.isAlive, host.life == life else { return }
      host.node.bootstrapResolved(now(at: host), host.bootstrap, unresolved: host.unresolved)
      settle(host)
    }
  }

  private func pausedHost(of event: Event) -> SimulatedHost? {
    let host =
      switch event {
      case .start(let host, _), .wake(let host, _), .resolved(let host, _): host
      case .deliver(let datagram): hosts[datagram.destination]
      case .commit(let planned): planned.host
      }
    return host.isPaused ? host : nil
  }

  private mutating func wait(_ event: Event, for host: SimulatedHost) {
    if case .deliver = event, host.backlog.count >= SimulatedHost.backlogCapacity {
      datagramsLost += 1
    } else {
      host.backlog.append(event)
    }
  }

  private mutating func arrive(_ datagram: Datagram) {
    let host = hosts[datagram.destination]
    guard host.isAlive else { return }
    switch datagram.message.body {
    case .query(let query):
      guard host.isReachable else {
        datagramsLost += 1
        return
      }
      host.queriesHeard += 1
      answering = (query, datagram.tag)
    case .response(let response):
      traffic?.handleResponse(response, datagram.tag, at: time)
    case .error: break
    }
    note(datagram.digest, at: host) {
      "from \(datagram.source): \(datagram.message.summary)"
    }
    observer?(datagram)
    host.node.receive(now(at: host), datagram.message, from: datagram.source)
    settle(host)
    answering = (nil, 0)
  }

  /// Delivers a datagram of a test to a host, at once and from any source address.
  package mutating func inject(_ message: Message, from source: Endpoint, to host: Int) {
    arrive(
      Datagram(
        source: source, destination: host, message: message, digest: Digest(message).value, tag: 0))
  }

  private mutating func note(_ digest: UInt64, at host: SimulatedHost, _ description: () -> String) {
    trace.add(time, host: host.index, digest)
    tracer?(TraceEntry(time: time, host: host.index, description: description(), digest: digest))
  }

  // MARK: - Effects

  /// Calls a host's node, carries out its effects, and plans its next wake-up.
  package mutating func act<Result, Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let host = hosts[host]
    let result = try body(&host.node, now(at: host))
    settle(host)
    return result
  }

  /// Begins an operation whose traffic is counted. `traffic` reports its outcome when it is complete.
  package mutating func track<Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> OperationID
  ) throws(Failure) {
    let host = hosts[host]
    let operation = try body(&host.node, now(at: host))
    if let tag = traffic?.begin(time) {
      // Operations this old have ended.
      let old = time + (.zero - Self.operationTimeout - Self.operationTimeout)
      if let first = host.tracked.first, first.began < old { host.tracked.removeAll { $0.began < old } }
      host.tracked.append((operation, tag, time))
    }
    settle(host)
  }

  private mutating func settle(_ host: SimulatedHost) {
    // Carrying out an effect may cause further ones, for example an immediate commit.
    while true {
      let effects = host.withNode { $0.takeEffects() }
      guard !effects.isEmpty else { break }
      if sendsInReverse {
        for effect in effects { if case .send = effect { continue } else { carryOut(effect, of: host) } }
        for effect in effects.reversed() { if case .send = effect { carryOut(effect, of: host) } }
      } else {
        for effect in effects { carryOut(effect, of: host) }
      }
    }
    let deadline = max(host.withNode { $0.nextDeadline }, time)
    if let planned = host.plannedWake, planned <= deadline { return }
    host.plannedWake = deadline
    queue.plan(.wake(host, life: host.life), at: deadline)
  }

  private mutating func carryOut(_ effect: Effect, of host: SimulatedHost) {
    switch effect {
    case .send(let message, let endpoint):
      send(message, from: host, to: endpoint)
    case .commit(let change, let id):
      switch host.commitMode {
      case .atOnce: commit(change, id, at: host)
      case .after(let delay):
        let planned = PlannedCommit(host: host, change: change, id: id, tag: answering.tag)
        queue.plan(.commit(planned), at: time + delay)
      case .refuse(let error): host.node.committed(now(at: host), id, .failure(error))
      case .never: break
      }
    case .resolveBootstrap:
      queue.plan(.resolved(host, life: host.life), at: time + .milliseconds(1))
    case .finished(let operation, let outcome):
      note(operation.number, at: host) { "operation \(operation.number) ended: \(outcome.summary)" }
      if let tracked = host.tracked.last(where: { $0.operation == operation }) {
        if let index = traffic?.index(tracked.tag) { traffic?.completed.append((index, outcome)) }
      } else {
        outcomes[Ticket(host: host.index, life: host.life, operation: operation)] = outcome
      }
    case .notice(.unanswered):
      // There is one for each query to a dead node, which is too many for a long simulation.
      break
    case .notice(let notice):
      if configuration.keepsNotices { host.notices.append(notice) }
    }
  }

  private mutating func commit(_ change: StoreChange, _ id: CommitID, at host: SimulatedHost) {
    if !everHolders.isEmpty, case .keep(let record) = change,
      everHolders[record.target]?.contains(host.index) == false
    {
      everHolders[record.target]?.append(host.index)
    }
    let result = Result { () throws(StoreError) in try host.store.apply(change) }
    host.node.committed(now(at: host), id, result)
  }
}
