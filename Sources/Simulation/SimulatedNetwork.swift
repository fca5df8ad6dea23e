import Kademlia

/// A network of real nodes in virtual time: one queue of events, one seed. The same seed and the
/// same calls give the same run, whatever the machine.
package struct SimulatedNetwork {
  /// What a network is made from, beside its seed.
  package struct Configuration: Sendable {
    /// The numbers that all nodes work by.
    package var parameters = Parameters()
    /// What happens to datagrams on their way.
    package var links = LinkConditions()
    /// The bytes that each store may take.
    package var storeLimit = 64 << 20
    /// Each host starts this long after the one before it.
    package var startInterval: Duration = .milliseconds(5)
    /// Whether hosts that are started again know their contacts from before, as they do where these are
    /// saved.
    package var remembersContacts = false
    /// The civil time at which the run begins.
    package var epoch = WallTime(seconds: 1_800_000_000)

    package init() {}
  }

  /// A datagram as it arrives: what an observer sees.
  package struct Datagram {
    /// Where it comes from, or says it does.
    package let source: Endpoint
    /// The index of the host that it reached.
    package let destination: Int
    /// What it says.
    package let message: Message
  }

  enum Event {
    case start(host: Int, life: Int)
    case deliver(Datagram)
    case wake(host: Int, life: Int)
    case commit(host: Int, life: Int, StoreChange, CommitID)
    case resolved(host: Int, life: Int)
  }

  /// What everything random comes from.
  package let seed: UInt64
  /// What it was made from.
  package let configuration: Configuration
  /// What happens to datagrams from now on.
  package var links: LinkConditions
  /// All hosts, dead ones too, by index.
  package private(set) var hosts: [SimulatedHost] = []
  /// Time since the run began.
  package private(set) var time = Instant(nanoseconds: 0)
  /// A hash of all that has happened: the same seed gives the same.
  package private(set) var trace = TraceHash()
  /// Datagrams sent so far.
  package private(set) var datagramsSent = 0
  /// Datagrams that did not arrive.
  package private(set) var datagramsLost = 0
  /// Events taken from the queue so far.
  package private(set) var eventsHandled = 0
  /// Is shown each datagram that arrives, before the node sees it.
  package var observer: ((Datagram) -> Void)?
  var outcomes: [Ticket: Outcome] = [:]
  private var random: SplitMix64
  private var queue = EventQueue<Event>()

  /// A network whose first node is alone and whose others are told of it; all are about to start.
  package init(seed: UInt64, nodes: Int, _ configuration: Configuration = Configuration()) {
    self.seed = seed
    self.configuration = configuration
    self.links = configuration.links
    self.random = SplitMix64(seed: seed)
    for index in 0..<nodes {
      addHost(
        bootstrap: index == 0 ? [] : [SimulatedHost.endpoint(of: 0)],
        startingAfter: configuration.startInterval * index)
    }
  }

  /// A host by its index.
  package subscript(host: Int) -> SimulatedHost {
    get { hosts[host] }
    set { hosts[host] = newValue }
  }

  /// The time as a host sees it.
  package func now(at host: Int) -> Now {
    let elapsed = (time.nanoseconds + hosts[host].clockOffset.nanoseconds) / 1000
    return Now(
      monotonic: time,
      wall: WallTime(microseconds: configuration.epoch.microseconds + elapsed))
  }

  // MARK: - Hosts

  /// Adds a host, which starts by itself a while from now.
  ///
  /// - Parameters:
  ///   - id: a random one by default.
  ///   - isStarted: false for one that waits for `restart`.
  /// - Returns: its index.
  @discardableResult
  package mutating func addHost(
    id: NodeID? = nil, bootstrap: [Endpoint], startingAfter delay: Duration = .zero,
    isStarted: Bool = true
  ) -> Int {
    let index = hosts.count
    let identity = Node.Identity(
      id: id ?? NodeID(random: &random), endpoints: [SimulatedHost.endpoint(of: index)],
      families: .v4, tokenSecret: [])
    let store = MemoryStore(maxBytes: configuration.storeLimit)
    hosts.append(
      SimulatedHost(
        index: index, identity: identity, node: makeNode(identity, store, offset: .zero),
        store: store, bootstrap: bootstrap))
    if isStarted { queue.plan(.start(host: index, life: 0), at: time + delay) }
    return index
  }

  private mutating func makeNode(
    _ identity: Node.Identity, _ store: MemoryStore, offset: Duration
  ) -> Node {
    var identity = identity
    identity.tokenSecret = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    let elapsed = (time.nanoseconds + offset.nanoseconds) / 1000
    return Node(
      Now(
        monotonic: time,
        wall: WallTime(microseconds: configuration.epoch.microseconds + elapsed)),
      identity: identity, parameters: configuration.parameters, records: store,
      random: SplitMix64(seed: random.next()))
  }

  /// Ends a host as a power cut would: what it had planned or was about to hear is lost.
  package mutating func kill(_ host: Int) {
    if configuration.remembersContacts, hosts[host].isAlive {
      hosts[host].remembered = hosts[host].node.latestContacts
    }
    hosts[host].isAlive = false
    hosts[host].life += 1
  }

  /// Kills several hosts at once.
  package mutating func kill(_ hosts: some Sequence<Int>) {
    for host in hosts { kill(host) }
  }

  /// Starts a host again under its ID, with an empty table and a new token secret.
  package mutating func restart(_ host: Int, keepingRecords: Bool = true) {
    kill(host)
    if !keepingRecords { hosts[host].store = MemoryStore(maxBytes: configuration.storeLimit) }
    hosts[host].node = makeNode(
      hosts[host].identity, hosts[host].store, offset: hosts[host].clockOffset)
    start(host)
  }

  private mutating func start(_ host: Int) {
    hosts[host].isAlive = true
    hosts[host].plannedWake = nil
    let hasBootstrap = !hosts[host].bootstrap.isEmpty || hosts[host].unresolved > 0
    hosts[host].node.start(
      now(at: host), hasBootstrap: hasBootstrap, remembered: hosts[host].remembered)
    settle(host)
  }

  // MARK: - Time

  /// Lets time pass.
  package mutating func run(for duration: Duration) {
    let end = time + duration
    run(until: end) { _ in false }
    time = end
  }

  /// Lets time pass until a condition holds, and no longer than a limit.
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
    switch event {
    case .start(let host, let life):
      guard hosts[host].life == life else { return }
      start(host)
    case .deliver(let datagram):
      arrive(datagram)
    case .wake(let host, let life):
      guard hosts[host].isAlive, hosts[host].life == life, hosts[host].plannedWake == time
      else { return }
      hosts[host].plannedWake = nil
      if hosts[host].node.nextDeadline <= time { hosts[host].node.advance(now(at: host)) }
      settle(host)
    case .commit(let host, let life, let change, let commit):
      guard hosts[host].isAlive, hosts[host].life == life else { return }
      self.commit(change, commit, at: host)
      settle(host)
    case .resolved(let host, let life):
      guard hosts[host].isAlive, hosts[host].life == life else { return }
      hosts[host].node.bootstrapResolved(
        now(at: host), hosts[host].bootstrap, unresolved: hosts[host].unresolved)
      settle(host)
    }
  }

  private mutating func arrive(_ datagram: Datagram) {
    let host = datagram.destination
    guard hosts[host].isAlive else { return }
    trace.add(UInt64(bitPattern: time.nanoseconds))
    trace.add(UInt64(host))
    trace.add(datagram.message)
    observer?(datagram)
    hosts[host].node.receive(now(at: host), datagram.message, from: datagram.source)
    settle(host)
  }

  /// Puts a datagram of a test's making in front of a host, at once and from wherever it says.
  package mutating func inject(_ message: Message, from source: Endpoint, to host: Int) {
    arrive(Datagram(source: source, destination: host, message: message))
  }

  // MARK: - Effects

  /// Lets a host's node do something, carries out what it wants, and plans its next wake-up.
  package mutating func act<Result, Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let now = now(at: host)
    let result = try body(&hosts[host].node, now)
    settle(host)
    return result
  }

  private mutating func settle(_ host: Int) {
    // Carrying out an effect may lead to further ones: a commit at once does.
    while hosts[host].node.hasEffects {
      for effect in hosts[host].node.takeEffects() { carryOut(effect, of: host) }
    }
    let deadline = max(hosts[host].node.nextDeadline, time)
    if let planned = hosts[host].plannedWake, planned <= deadline { return }
    hosts[host].plannedWake = deadline
    queue.plan(.wake(host: host, life: hosts[host].life), at: deadline)
  }

  private mutating func carryOut(_ effect: Effect, of host: Int) {
    let life = hosts[host].life
    switch effect {
    case .send(let message, let endpoint):
      send(message, from: host, to: endpoint)
    case .commit(let change, let id):
      switch hosts[host].commitMode {
      case .atOnce: commit(change, id, at: host)
      case .after(let delay): queue.plan(.commit(host: host, life: life, change, id), at: time + delay)
      case .refuse(let error): hosts[host].node.committed(now(at: host), id, .failure(error))
      case .never: break
      }
    case .resolveBootstrap:
      queue.plan(.resolved(host: host, life: life), at: time + .milliseconds(1))
    case .finished(let operation, let outcome):
      trace.add(operation.rawValue)
      outcomes[Ticket(host: host, life: life, operation: operation)] = outcome
    case .notice(.unanswered):
      // There are as many of these as queries to dead nodes: a long simulation has no room for them.
      break
    case .notice(let notice):
      hosts[host].notices.append(notice)
    }
  }

  private mutating func commit(_ change: StoreChange, _ id: CommitID, at host: Int) {
    let result = Result { () throws(StoreError) in try hosts[host].store.apply(change) }
    hosts[host].node.committed(now(at: host), id, result)
  }

  private mutating func send(_ message: Message, from source: Int, to endpoint: Endpoint) {
    datagramsSent += 1
    let sent = hosts[source].tamper.map { $0(message) } ?? message
    guard let sent, let destination = SimulatedHost.index(of: endpoint),
      hosts.indices.contains(destination), hosts[source].side == hosts[destination].side,
      !random.chance(links.loss)
    else {
      datagramsLost += 1
      return
    }
    let datagram = Datagram(
      source: SimulatedHost.endpoint(of: source), destination: destination, message: sent)
    for _ in 0..<(random.chance(links.duplication) ? 2 : 1) {
      let delay = links.delay(from: source, to: destination, seed: seed, using: &random)
      queue.plan(.deliver(datagram), at: time + (delay + hosts[source].lag))
    }
  }
}
