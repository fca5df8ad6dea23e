package import Kademlia
package import NodeTime
import SeededRandom
import Signatures

/// A network of real nodes in virtual time: one queue of events, one seed. The same seed and the
/// same calls give the same run, whatever the machine.
package struct SimulatedNetwork {
  /// What a network is made from, beside its seed.
  package struct Configuration: Sendable {
    /// The numbers that all nodes work by.
    package var parameters = Parameters.simulated
    /// Which addresses the hosts have.
    package var addresses = AddressPlan.privateNetwork
    /// What happens to datagrams on their way.
    package var links = LinkConditions()
    /// Where delays come from; nil: from the range that `links` gives.
    package var delays: DelayModel?
    /// Whether hosts keep what their nodes want people to know; a long run has no room for it.
    package var keepsNotices = true
    /// The bytes that each store may take.
    package var storeLimit = 64 << 20
    /// Each host starts this long after the one before it.
    package var startInterval: Duration = .milliseconds(5)
    /// Whether hosts that are started again know their contacts from before, as they do where these are
    /// saved.
    package var remembersContacts = false
    /// Whether hosts have keys that their IDs are made from, and so can prove them.
    package var hasIdentities = false
    /// The civil time at which the run begins.
    package var epoch = WallTime(seconds: 1_800_000_000)

    package init() {}
  }

  /// A datagram as it arrives: what an observer sees.
  package final class Datagram {
    /// Where it comes from, or says it does.
    package let source: Endpoint
    /// The index of the host that it reached.
    package let destination: Int
    /// What it says.
    package let message: Message
    /// What it was sent for, or is an answer to.
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

  /// A change that a slow disk is at.
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

  /// Small, for there are many: what is large is behind a reference.
  enum Event {
    case start(SimulatedHost, life: Int)
    case deliver(Datagram)
    case wake(SimulatedHost, life: Int)
    case commit(PlannedCommit)
    case resolved(SimulatedHost, life: Int)
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
  package internal(set) var datagramsSent = 0
  /// Datagrams that did not arrive.
  package internal(set) var datagramsLost = 0
  /// Events taken from the queue so far.
  package private(set) var eventsHandled = 0
  /// Is shown each thing that the trace counts, as it happens.
  package var tracer: ((TraceEntry) -> Void)?
  /// Whether the datagrams of one step are sent in the opposite order: so a test shows that it does not matter.
  package var sendsInReverse = false
  /// Is shown each datagram that arrives, before the node sees it.
  package var observer: ((Datagram) -> Void)?
  /// What the traffic was for; nil while nobody counts it.
  package internal(set) var traffic: Traffic?
  /// The hosts that have ever kept a record, for the targets that are watched.
  package var keepers: [NodeID: [Int]] = [:]
  /// The hosts that tell of each other only.
  package var colluders = IDIndex()
  var outcomes: [Ticket: Outcome] = [:]
  var random: SplitMix64
  /// Hosts that were given an address of their own.
  private var placed: [Endpoint: Int] = [:]
  var queue = EventQueue<Event>()
  /// What is being answered at the moment, and what for.
  var answering: (query: Query?, tag: UInt32) = (nil, 0)

  /// A network whose first node is alone and whose others are told of it; all are about to start.
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

  /// The time as a host sees it.
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

  /// Adds a host, which starts by itself a while from now.
  ///
  /// - Parameters:
  ///   - id: a random one by default.
  ///   - endpoint: the one that goes with its index by default.
  ///   - isStarted: false for one that waits for `restart`.
  /// - Returns: its index.
  @discardableResult
  package mutating func addHost(
    id: NodeID? = nil, at endpoint: Endpoint? = nil, bootstrap: [Endpoint],
    startingAfter delay: Duration = .zero, isStarted: Bool = true
  ) -> Int {
    let index = hosts.count
    if let endpoint { placed[endpoint] = index }
    let endpoint = endpoint ?? configuration.addresses.endpoint(of: index)
    let key =
      configuration.hasIdentities
      ? SigningKey(
        seed: (0..<SigningKey.seedByteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
      : nil
    let identity = Node.Identity(
      id: id ?? key.map { NodeID(sha1Of: $0.publicKey.bytes) } ?? NodeID(random: &random),
      endpoints: [endpoint], families: .v4, tokenSecret: [], key: key)
    let store = MemoryStore(maxBytes: configuration.storeLimit)
    let host = SimulatedHost(
      index: index, endpoint: endpoint, identity: identity,
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

  /// Ends a host as a power cut would: what it had planned or was about to hear is lost.
  package mutating func kill(_ host: Int) {
    let host = hosts[host]
    if configuration.remembersContacts, host.isAlive { host.remembered = host.node.latestContacts }
    host.isAlive = false
    host.life += 1
  }

  /// Kills several hosts at once.
  package mutating func kill(_ hosts: some Sequence<Int>) {
    for host in hosts { kill(host) }
  }

  /// Ends a host for good: it never comes back, and its disk is gone.
  package mutating func retire(_ index: Int) {
    kill(index)
    let host = hosts[index]
    host.remembered = []
    host.tracked = []
    host.store = MemoryStore(maxBytes: 0)
    // What the old one knew is not worth its memory.
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

  /// Starts a host as one that has run for a while: it knows contacts, and its upkeep is somewhere between
  /// one round and the next.
  ///
  /// - Parameter age: for how long it has run.
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
    host.node.start(now(at: host), hasBootstrap: hasBootstrap, remembered: host.remembered)
    settle(host)
  }

  // MARK: - Time

  /// Lets time pass.
  package mutating func run(for duration: Duration) { run(until: time + duration) }

  /// Lets time pass until then.
  package mutating func run(until end: Instant) {
    run(until: end) { _ in false }
    time = max(time, end)
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
      traffic?.heard(response, datagram.tag, at: time)
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

  /// Puts a datagram of a test's making in front of a host, at once and from wherever it says.
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

  /// Lets a host's node do something, carries out what it wants, and plans its next wake-up.
  package mutating func act<Result, Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let host = hosts[host]
    let result = try body(&host.node, now(at: host))
    settle(host)
    return result
  }

  /// Begins an operation whose traffic is counted; its outcome is among those that `traffic` has completed.
  package mutating func track<Failure>(
    at host: Int, _ body: (inout Node, Now) throws(Failure) -> OperationID
  ) throws(Failure) {
    let host = hosts[host]
    let operation = try body(&host.node, now(at: host))
    if let tag = traffic?.begin(time) {
      // What began so long ago has ended.
      let old = time + (.zero - Self.patience - Self.patience)
      if let first = host.tracked.first, first.began < old { host.tracked.removeAll { $0.began < old } }
      host.tracked.append((operation, tag, time))
    }
    settle(host)
  }

  private mutating func settle(_ host: SimulatedHost) {
    // Carrying out an effect may lead to further ones: a commit at once does.
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
      // There are as many of these as queries to dead nodes: a long simulation has no room for them.
      break
    case .notice(let notice):
      if configuration.keepsNotices { host.notices.append(notice) }
    }
  }

  private mutating func commit(_ change: StoreChange, _ id: CommitID, at host: SimulatedHost) {
    if !keepers.isEmpty, case .keep(let record) = change,
      keepers[record.target]?.contains(host.index) == false
    {
      keepers[record.target]?.append(host.index)
    }
    let result = Result { () throws(StoreError) in try host.store.apply(change) }
    host.node.committed(now(at: host), id, result)
  }
}
