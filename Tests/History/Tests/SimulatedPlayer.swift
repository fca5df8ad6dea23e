import HistoryChecker
import Kademlia
import NodeTime
import SeededRandom
import Simulation

/// Plays a history in the simulator: clients write and read while nodes have faults, all of it drawn from a seed.
struct SimulatedPlayer {
  /// The shape of a run.
  struct Settings: Sendable {
    var nodes = 12
    /// The time in which faults begin.
    var length: Duration = .seconds(900)
    var clients = 4
    var keys = 6
    /// The mean time between two requests of a client.
    var pause: Duration = .seconds(8)
    /// The lives of values; nil for one that outlasts the run.
    var spans: [Duration?] = [nil, nil, nil, .seconds(60)]
    var bounds = FaultPlan.Bounds()
    var loss = 0.0
    /// The time from the heal to the reads that judge it.
    var exchange: Duration = .seconds(60)

    init() {}

    /// Draws the shape of a run.
    init(seed: UInt64) {
      var random = SplitMix64(seed: SplitMix64.mix(seed))
      nodes = [2, 3, 5, 8, 10, 12, 14, 16].randomElement(using: &random) ?? 12
      if random.below(4) == 0 { loss = 0.01 }
      if random.below(3) == 0 {
        // A few long faults, partitions of up to 90 minutes among them.
        length = .seconds(Int64.random(in: 1800...7200, using: &random))
        bounds.gap = .seconds(60)...(.seconds(1200))
        bounds.duration = .seconds(30)...(.seconds(2400))
        pause = .seconds(60)
      } else {
        length = .seconds(Int64.random(in: 300...900, using: &random))
        bounds.cut = .seconds(60)...(.seconds(600))
      }
    }
  }

  /// A request whose result has not come.
  private struct Pending {
    let client: Int
    let node: Int
    let request: ClientPlan.Request
    let invoked: Duration
    let phase: ClientOperation.Phase
    let held: [Int64?]
    let ticket: Ticket
    /// The life of the node in which the request was made.
    let life: Int
  }

  /// The time after which a client gives up.
  private static let patience: Duration = .seconds(60)
  /// The time in which the nodes of a new network meet.
  private static let warmUp: Duration = .seconds(180)

  let settings: Settings
  private(set) var history: History
  private var network: SimulatedNetwork
  private var plan: ClientPlan
  private var random: SplitMix64
  private var faults: [History.Fault]
  private var pending: [Pending] = []
  /// The time at which each client makes its next request.
  private var due: [Duration]
  /// The time at which each node was killed last.
  private var killed: [Duration]

  init(seed: UInt64, _ settings: Settings) {
    self.settings = settings
    var configuration = SimulatedNetwork.Configuration()
    configuration.links.loss = settings.loss
    configuration.remembersContacts = true
    configuration.keepsNotices = false
    network = SimulatedNetwork(seed: seed, nodes: settings.nodes, configuration)
    // Any node can be down when another one starts.
    for host in network.hosts {
      host.bootstrap = network.hosts.prefix(3).map(\.endpoint).filter { $0 != host.endpoint }
    }
    plan = ClientPlan(keys: settings.keys, spans: settings.spans, seed: seed)
    random = SplitMix64(seed: SplitMix64.mix(seed ^ 0xFA17))
    faults =
      FaultPlan(
        nodes: settings.nodes, from: Self.warmUp, to: Self.warmUp + settings.length, settings.bounds,
        using: &random
      ).faults
    killed = Array(repeating: .zero, count: settings.nodes)
    due = (0..<settings.clients).map { _ in .zero }
    let ids = network.hosts.map(\.id)
    let order = Dictionary(
      uniqueKeysWithValues: plan.keys.map { key in
        let target = NodeID(sha1Of: Array(key.utf8))
        return (key, ids.indices.sorted { target.distance(to: ids[$0]) < target.distance(to: ids[$1]) })
      })
    history = History(
      nodes: settings.nodes, replicas: configuration.parameters.k,
      epoch: configuration.epoch.microseconds, isLossy: settings.loss > 0, order: order)
  }

  private var now: Duration { network.time.since(Instant(nanoseconds: 0)) }

  // MARK: - The run

  /// Plays the run to its end.
  mutating func play() throws -> History {
    network.run(for: Self.warmUp)
    let end = Self.warmUp + settings.length
    for client in due.indices { due[client] = Self.warmUp + pause() }
    while now < end || !faults.isEmpty {
      run(until: ([end] + faults.prefix(1).map(\.time) + idleClients.map { due[$0] }).min() ?? end)
      while let fault = faults.first, fault.time <= now {
        faults.removeFirst()
        apply(fault)
      }
      for client in idleClients where due[client] <= now && now < end {
        due[client] = now + pause()
        guard let node = runningNodes.randomElement(using: &random) else { continue }
        try begin(plan.next(), by: client, at: node)
      }
    }
    // Every request that is under way ends meanwhile.
    run(until: end + max(settings.exchange, Self.patience + .seconds(1)))
    try judge()
    return history
  }

  /// Lets time pass until a time, or until a request has its result, and takes the results.
  private mutating func run(until end: Duration) {
    while true {
      let limit = ([end] + pending.map { $0.invoked + Self.patience }).min() ?? end
      let tickets = pending.map(\.ticket)
      network.run(until: instant(limit)) { network in tickets.contains { network.hasOutcome($0) } }
      if tickets.allSatisfy({ !network.hasOutcome($0) }) { network.run(until: instant(limit)) }
      takeResults()
      if now >= end { return }
    }
  }

  private func instant(_ time: Duration) -> Instant { Instant(nanoseconds: time.nanoseconds) }

  private var runningNodes: [Int] {
    network.hosts.indices.filter { network[$0].isAlive && !network[$0].isPaused && network[$0].isJoined }
  }

  private var idleClients: [Int] {
    due.indices.filter { client in !pending.contains { $0.client == client } }
  }

  private mutating func pause() -> Duration {
    // Now and then clients ask at about the same moment.
    if random.below(4) == 0 { return .milliseconds(Int64(random.below(50))) }
    return .milliseconds(Int64(random.below(Int(2 * settings.pause.milliseconds))))
  }

  // MARK: - Requests

  private mutating func begin(
    _ request: ClientPlan.Request, by client: Int, at node: Int,
    phase: ClientOperation.Phase = .faults
  ) throws {
    let key = Array(request.key.utf8)
    let held = network.hosts.indices.map { network.stored(request.key, at: $0)?.version.seq }
    let ttl = request.timeToLive.map { $0.components.seconds }
    let ticket = try network.begin(at: node) { node, now throws(OperationRefusal) in
      switch request.kind {
      case .put(let value): try node.put(now, key: key, value: Array(value.utf8), ttl: ttl)
      case .compareAndSet(let value, let expected):
        try node.put(now, key: key, value: Array(value.utf8), ttl: ttl, ifSeq: expected)
      case .delete: try node.delete(now, key: key)
      case .get: try node.get(now, key: key)
      }
    }
    pending.append(
      Pending(
        client: client, node: node, request: request, invoked: now, phase: phase, held: held, ticket: ticket,
        life: network[node].life))
  }

  private mutating func takeResults() {
    var left: [Pending] = []
    for request in pending {
      if network.hasOutcome(request.ticket), let outcome = try? network.outcome(of: request.ticket) {
        end(request, result(of: outcome), details: details(of: outcome))
      } else if now >= request.invoked + Self.patience || network[request.node].life != request.life {
        end(request, request.request.kind == .get ? .unanswered : .unknown(nil))
      } else {
        left.append(request)
      }
    }
    pending = left
  }

  private mutating func end(_ request: Pending, _ result: ClientOperation.Result, details: String = "") {
    let operation = ClientOperation(
      id: history.operations.count, process: request.client, node: request.node, key: request.request.key,
      kind: request.request.kind, invoked: request.invoked, completed: now, result: result,
      phase: request.phase, timeToLive: request.request.timeToLive, held: request.held, details: details)
    plan.note(operation)
    history.add(operation)
  }

  private func details(of outcome: Outcome) -> String {
    guard case .put(let outcome) = outcome else { return "" }
    let failures = outcome.failures.map { failure in
      "; \(network.host(at: failure.peer.endpoint) ?? -1): \(failure.reason)"
    }
    return "\(outcome.stored) of \(outcome.replicas), \(outcome.counted) count, \(outcome.silent) silent"
      + failures.joined()
  }

  private func result(of outcome: Outcome) -> ClientOperation.Result {
    switch outcome {
    case .put(let outcome):
      let version = version(outcome.version)
      switch outcome.verdict {
      case .stored: return outcome.isWeak ? .weak(version) : .confirmed(version)
      case .quorumFailed: return .unknown(version)
      // Nothing was sent if the version is known at the end of the lookup, which the outcome does not tell.
      case .conflict: return .unknown(version)
      case .seqExhausted, .unreachable: return .refused
      }
    case .get(.found(let record)), .get(.cached(let record, _)): return found(record, isUnconfirmed: false)
    case .get(.unconfirmed(let record)): return found(record, isUnconfirmed: true)
    case .get(.notFound): return .notFound
    case .get(.unreachable): return .unreachable
    case .tracedGet, .lookup, .ping, .bootstrap: return .unanswered
    }
  }

  private func found(_ record: Record, isUnconfirmed: Bool) -> ClientOperation.Result {
    .found(
      seq: record.version.seq, value: String(decoding: record.value, as: UTF8.self),
      isUnconfirmed: isUnconfirmed)
  }

  private func version(_ version: RecordVersion) -> ClientOperation.Version {
    let expiry: Duration = .seconds(version.expiry) - .microseconds(history.epoch)
    return ClientOperation.Version(seq: version.seq, expiry: version.isTombstone ? nil : expiry)
  }

  // MARK: - Faults

  private mutating func apply(_ fault: History.Fault) {
    history.add(fault)
    switch fault.change {
    case .started(let node):
      let host = network[node]
      // Its disk keeps the nodes that it had not reached.
      host.silent = host.silent.map { SilentNode($0.peer, for: $0.duration + now - killed[node]) }
      network.restart(node)
    case .killed(let node):
      let host = network[node]
      host.silent = host.node.silentNodes(network.time)
      killed[node] = now
      network.kill(node)
    case .paused(let node): network.pause(node)
    case .resumed(let node): network.unpause(node)
    case .cut(let sides): for (host, side) in zip(network.hosts, sides) { host.side = side }
    case .mended: for host in network.hosts { host.side = 0 }
    case .clock(let node, let offset): network[node].clockOffset = offset
    case .full(let node): network[node].store.maxBytes = 0
    case .emptied(let node): network[node].store.maxBytes = network.configuration.storeLimit
    }
    takeResults()
  }

  // MARK: - The judgement

  /// Reads every key at every node, writes it, and reads it again.
  private mutating func judge() throws {
    for key in plan.keys {
      let get = ClientPlan.Request(key: key, kind: .get)
      for node in network.hosts.indices { try complete(get, at: node) }
      let put = ClientPlan.Request(key: key, kind: .put(value: plan.nextValue()))
      try complete(put, at: Int.random(in: network.hosts.indices, using: &random))
      try complete(get, at: Int.random(in: network.hosts.indices, using: &random))
    }
  }

  private mutating func complete(_ request: ClientPlan.Request, at node: Int) throws {
    try begin(request, by: 0, at: node, phase: .healed)
    while !pending.isEmpty { run(until: now + .milliseconds(100)) }
  }
}
