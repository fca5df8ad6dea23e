import Foundation
import HistoryChecker
import SeededRandom

/// Plays histories with real processes: clients write and read through the control sockets while nodes are killed,
/// halted and cut off, and their disks are filled. A history is a round: faults, the heal, the time of an exchange, and
/// reads of all keys at all nodes.
///
/// The faults and the requests are drawn from the seed. The times at which processes answer are not.
final class HistoryPlayer {
  /// A client with one request at a time.
  private struct Client {
    /// The request under way.
    var pending: Pending?
    /// The time of its next request.
    var due: Duration
  }

  private struct Pending {
    let node: Int
    let request: ClientPlan.Request
    let invoked: Duration
    let phase: ClientOperation.Phase
    let connection: ControlSocketClient
  }

  static let nodeCount = 9
  static let replicas = 5
  /// The time in which faults begin in a round.
  private static let faultTime: Duration = .seconds(45)
  /// The time from the heal to the reads that judge it, for which a promise gives a minute: the nodes of this network
  /// probe each other ten times as often as by default.
  private static let exchange: Duration = .seconds(15)
  /// The time after which a client gives up.
  private static let patience: Duration = .seconds(10)
  /// The time of a history at which its round begins. The nodes have met before.
  private static let start: Duration = .seconds(1000)

  /// The options of all nodes.
  static let options = [
    "k=\(replicas)", "liveness_interval=1s", "liveness_interval_in_doubt=1s", "rpc_timeout=1s",
    "probe_interval=1s", "bootstrap_back_off=1s",
  ].flatMap { ["--set", $0] }

  private let network: LocalNetwork
  private let machines: SwitchedNetwork
  private let seed: UInt64
  private var nodes: [DaemonProcess] = []
  private var ids: [[UInt8]] = []
  private var history = History(nodes: 0, replicas: 0)
  private var plan: ClientPlan
  private var random: SplitMix64
  private var clients: [Client]
  private var isUp = Array(repeating: true, count: nodeCount)
  private var isPaused = Array(repeating: false, count: nodeCount)
  /// The moment at which the history has the time 0.
  private var origin = ContinuousClock.now
  private(set) var operations = 0
  private(set) var faults = 0

  init(_ network: LocalNetwork, seed: UInt64) throws {
    self.network = network
    self.seed = seed
    machines = try SwitchedNetwork(for: network, machines: Self.nodeCount)
    plan = ClientPlan(keys: 0, spans: [], seed: seed)
    random = SplitMix64(seed: SplitMix64.mix(seed))
    clients = (0..<6).map { _ in Client(due: .zero) }
    let ports = try (0..<Self.nodeCount).map { _ in try Ports.next() }
    for (number, port) in ports.enumerated() {
      try machines[number].mountStateDirectory(of: port, bytes: 4 << 20)
      let bootstrap = (0..<3).filter { $0 != number }.map { "\(SwitchedNetwork.host($0)):\(ports[$0])" }
      nodes.append(
        try network.launch(
          port: port, host: SwitchedNetwork.host(number), bootstrap: bootstrap, in: machines[number]))
    }
    for node in nodes { try node.waitUntilReady() }
    ids = try nodes.map { bytes(hex: try $0.nodeID() ?? "") }
    try waitUntilAllMet()
  }

  private func waitUntilAllMet() throws {
    for node in nodes {
      try eventually("node \(node.port) to know all others", within: 60) {
        try node.knownNodes() == Self.nodeCount - 1
      }
    }
  }

  private var now: Duration { Self.start + (ContinuousClock.now - origin) }

  // MARK: - A round

  /// Plays a round.
  /// - Returns: the broken promises.
  func play(round: Int) throws -> [Violation] {
    let roundSeed = SplitMix64.mix(seed ^ UInt64(round) << 32)
    plan = ClientPlan(
      keys: 12, prefix: "round\(round)-", spans: [nil, nil, nil, .seconds(10)], seed: roundSeed)
    origin = .now
    history = try newHistory()
    let end = Self.start + Self.faultTime
    var bounds = FaultPlan.Bounds()
    bounds.kinds = [.kill, .kill, .pause, .pause, .cut, .cut, .full]
    bounds.gap = .milliseconds(500)...(.seconds(8))
    bounds.duration = .seconds(1)...(.seconds(15))
    bounds.cut = .seconds(3)...(.seconds(30))
    var faultRandom = SplitMix64(seed: roundSeed)
    var plannedFaults = FaultPlan(
      nodes: Self.nodeCount, from: Self.start, to: end, bounds, using: &faultRandom
    ).faults[...]
    faults += plannedFaults.count
    for client in clients.indices { clients[client].due = Self.start + pause() }
    while now < end || !plannedFaults.isEmpty {
      while let fault = plannedFaults.first, fault.time <= now {
        plannedFaults.removeFirst()
        try apply(fault.change)
      }
      beginDue(before: end)
      wait(until: min(end, plannedFaults.first?.time ?? end))
    }
    while clients.contains(where: { $0.pending != nil }) { wait(until: now + .seconds(1)) }
    let healed = end + Self.exchange
    while now < healed { wait(until: healed) }
    for node in nodes { try node.waitUntilReady() }
    try judge()
    try waitUntilAllMet()
    operations += history.operations.count
    return Checker.violations(in: history)
  }

  /// An empty history whose nodes have met.
  private func newHistory() throws -> History {
    var timing = History.Timing()
    timing.acquaintance = .seconds(20)
    timing.noticing = .seconds(30)
    var order: [String: [Int]] = [:]
    for key in plan.keys {
      let lookup = try nodes[0].client().call("lookup", ["key": .string(key)])
      let target = bytes(hex: lookup["result"]["target"].string ?? "")
      func distance(_ node: Int) -> [UInt8] { zip(target, ids[node]).map { $0 ^ $1 } }
      order[key] = nodes.indices.sorted { distance($0).lexicographicallyPrecedes(distance($1)) }
    }
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    let microseconds = Int64(wall.tv_sec) * 1_000_000 + Int64(wall.tv_nsec) / 1000
    return History(
      nodes: Self.nodeCount, replicas: Self.replicas,
      epoch: microseconds - now.components.seconds * 1_000_000
        - now.components.attoseconds / 1_000_000_000_000, timing: timing, order: order)
  }

  private func pause() -> Duration {
    random.below(4) == 0 ? .zero : .milliseconds(Int64(random.below(300)))
  }

  // MARK: - Faults

  /// Carries a fault out. Its time in the history is the one from which, or up to which, nodes do not answer.
  private func apply(_ change: History.Fault.Change) throws {
    let begins = now
    switch change {
    case .started(let node):
      history.add(History.Fault(at: begins, change))
      try nodes[node].startAgain()
      isUp[node] = true
      return
    case .resumed(let node):
      history.add(History.Fault(at: begins, change))
      nodes[node].process.resume()
      isPaused[node] = false
      return
    case .mended:
      history.add(History.Fault(at: begins, change))
      try machines.split(Array(repeating: 0, count: Self.nodeCount))
      return
    case .killed(let node):
      isUp[node] = false
      nodes[node].kill()
    case .paused(let node):
      isPaused[node] = true
      nodes[node].process.halt()
    case .cut(let sides): try machines.split(sides)
    case .full(let node): try machines.fill(node, port: nodes[node].port)
    case .emptied(let node): try machines.makeRoom(node, port: nodes[node].port)
    case .clock: break
    }
    history.add(History.Fault(at: now, change))
  }

  // MARK: - Requests

  private func beginDue(before end: Duration) {
    for client in clients.indices where clients[client].pending == nil && clients[client].due <= now {
      clients[client].due = now + pause()
      guard now < end,
        let node = nodes.indices.filter({ isUp[$0] && !isPaused[$0] }).randomElement(using: &random)
      else { continue }
      begin(plan.next(), by: client, at: node)
    }
  }

  private func begin(
    _ request: ClientPlan.Request, by client: Int, at node: Int,
    phase: ClientOperation.Phase = .faults
  ) {
    // A node that has just been started does not listen yet.
    guard let connection = try? nodes[node].connect() else { return }
    clients[client].pending = Pending(
      node: node, request: request, invoked: now, phase: phase, connection: connection)
    connection.sendSome(request.line)
  }

  /// Waits until a time or an answer, at most until the next client is due, and takes the answers.
  private func wait(until end: Duration) {
    let due = clients.map { client in
      client.pending.map { $0.invoked + Self.patience } ?? client.due
    }
    let limit = min(end, due.min() ?? end)
    let seconds = max(0, (limit - now) / .seconds(1))
    let descriptors = clients.compactMap(\.pending).map {
      pollfd(fd: $0.connection.descriptor, events: Int16(POLLIN), revents: 0)
    }
    _ = waitForAny(descriptors, until: Deadline(within: seconds))
    takeAnswers()
  }

  private func takeAnswers() {
    for client in clients.indices {
      guard let pending = clients[client].pending else { continue }
      let line = pending.connection.linesAtHand().first
      guard line != nil || pending.connection.isClosedByDaemon || now >= pending.invoked + Self.patience
      else { continue }
      clients[client].pending = nil
      end(pending, by: client, line.flatMap { try? JSON(parsing: $0) })
    }
  }

  private func end(_ pending: Pending, by client: Int, _ answer: JSON?) {
    let request = pending.request
    let result = answer.map { self.result(of: $0, to: request) }
    let operation = ClientOperation(
      id: history.operations.count, process: client, node: pending.node, key: request.key,
      kind: request.kind, invoked: pending.invoked, completed: now,
      result: result ?? (request.kind == .get ? .unanswered : .unknown(nil)), phase: pending.phase,
      timeToLive: request.timeToLive, details: answer.map(details) ?? "")
    plan.note(operation)
    history.add(operation)
  }

  private func result(of answer: JSON, to request: ClientPlan.Request) -> ClientOperation.Result {
    let result = answer["result"]
    let error = answer["error"]
    if request.kind == .get {
      if let seq = result["seq"].integer, let value = result["value"].string {
        return .found(seq: seq, value: value, isUnconfirmed: result["unconfirmed"] == true)
      }
      return error["code"] == 1 ? .notFound : .unreachable
    }
    if let version = version(result, request) {
      return result["weak"] == true ? .weak(version) : .confirmed(version)
    }
    switch error["code"] {
    case 2, 7: return .unknown(version(error["data"], request))
    // Nothing was sent, or nobody knows.
    case 3: return .unknown(nil)
    default: return .refused
    }
  }

  private func version(_ json: JSON, _ request: ClientPlan.Request) -> ClientOperation.Version? {
    guard let seq = json["seq"].integer else { return nil }
    // A tombstone ends long after the run.
    let expiry = json["expires"].integer.map { Duration.seconds($0) - .microseconds(history.epoch) }
    return ClientOperation.Version(seq: seq, expiry: request.kind == .delete ? nil : expiry)
  }

  private func details(_ answer: JSON) -> String {
    let put = answer["result"]["stored"].integer.map { stored in
      "\(stored) of \(answer["result"]["replicas"].integer ?? 0)"
    }
    return answer["error"]["message"].string ?? put ?? ""
  }

  // MARK: - The judgement

  /// Reads every key at every node, writes it, and reads it again.
  private func judge() throws {
    for key in plan.keys {
      let get = ClientPlan.Request(key: key, kind: .get)
      for node in nodes.indices { complete(get, at: node) }
      let put = ClientPlan.Request(key: key, kind: .put(value: plan.nextValue()))
      complete(put, at: random.below(Self.nodeCount))
      complete(get, at: random.below(Self.nodeCount))
    }
  }

  private func complete(_ request: ClientPlan.Request, at node: Int) {
    clients[0].due = now + Self.patience
    begin(request, by: 0, at: node, phase: .healed)
    while clients[0].pending != nil { wait(until: now + .seconds(1)) }
  }
}

extension ClientPlan.Request {
  /// The request as a line for a control socket.
  fileprivate var line: [UInt8] {
    var params: [String: JSON] = ["key": .string(key)]
    var method = "put"
    switch kind {
    case .put(let value): params["value"] = .string(value)
    case .compareAndSet(let value, let expected):
      params["value"] = .string(value)
      params["if_seq"] = .integer(expected)
    case .delete: method = "delete"
    case .get: method = "get"
    }
    if let timeToLive { params["ttl"] = .integer(timeToLive.components.seconds) }
    return ControlSocketClient.line(method, .object(params), id: 1)
  }
}
