import Glibc
import Kademlia
import NodeTime
import SeededRandom

extension Scenario {
  /// Runs the scenario.
  ///
  /// - Parameters:
  ///   - tracer: called with each event of the trace.
  ///   - progress: called from time to time with the share that is done.
  package func run(
    seed: UInt64, tracer: ((TraceEntry) -> Void)? = nil, progress: (Double) -> Void = { _ in }
  ) -> ScenarioReport {
    var play = ScenarioPlay(self, seed: seed)
    play.network.tracer = tracer
    return play.run(progress)
  }
}

/// A running scenario.
struct ScenarioPlay {
  /// Planned events besides those of the nodes.
  enum PlannedEvent {
    /// The end of a session or pause, unless the host has changed since.
    case turn(host: Int, turn: Int)
    case join(host: Int)
    case store(key: Int)
    case look(key: Int)
    case lookup, get
    /// An operation that plans its successor.
    case regularGet, regularPut
    case crowdRead
    case divide, unite
    case sample
  }

  /// An operation of a client.
  struct WorkloadOperation {
    enum Kind { case lookup, get, put, look, crowdRead }

    let kind: Kind
    let host: Int
    let target: NodeID
    /// The index of its key; nil for a lookup.
    let key: Int?
  }

  /// A key that clients have put.
  struct Key {
    let name: String
    let target: NodeID
    /// The confirmed version; nil if there is none yet.
    var version: RecordVersion?
  }

  let scenario: Scenario
  var network: SimulatedNetwork
  var random: SplitMix64
  var report: ScenarioReport
  var agenda = EventQueue<PlannedEvent>()
  var keys: [Key] = []
  /// The keys that may be read.
  var confirmed: [Int] = []
  /// The operations, in the order in which the network counts them.
  var workload: [WorkloadOperation] = []
  var isMeasuring = false
  var began = Instant(nanoseconds: 0)
  /// The hosts that are adversaries, now or later.
  var adversaries: [Int] = []

  /// The hosts that are up, in no order, and the place of each host among them.
  private(set) var up: [Int] = []
  private var places: [Int?] = []
  /// The hosts among them that can be queried.
  private(set) var index = IDIndex()
  /// The number of starts and stops of each host, and whether it has left for good.
  var turns: [Int] = []
  var hasLeftForGood: [Bool] = []
  private var upSince: [Instant] = []

  init(_ scenario: Scenario, seed: UInt64) {
    self.scenario = scenario
    var configuration = SimulatedNetwork.Configuration()
    configuration.parameters = scenario.parameters
    configuration.addresses = scenario.addresses
    configuration.links.loss = scenario.loss
    configuration.links.jitter = scenario.jitter
    configuration.delays = scenario.delays
    configuration.remembersContacts = true
    configuration.keepsNotices = false
    network = SimulatedNetwork(seed: seed, nodes: 0, configuration)
    random = SplitMix64(seed: SplitMix64.mix(seed ^ 0x5CE9_A210))
    report = ScenarioReport(scenario, seed: seed)
  }

  // MARK: - The run

  mutating func run(_ progress: (Double) -> Void) -> ScenarioReport {
    network.countTraffic()
    populate()
    planStores()
    let start = Instant(nanoseconds: 0) + scenario.warmUp
    let end = start + scenario.duration
    run(until: start) { progress($0 * start.milliseconds / end.milliseconds) }
    beginMeasuring()
    run(until: end) {
      progress((start.milliseconds + $0 * (end.milliseconds - start.milliseconds)) / end.milliseconds)
    }
    endMeasuring()
    return report
  }

  private mutating func run(until end: Instant, _ progress: (Double) -> Void) {
    let start = network.time
    var steps = 0
    while network.time < end {
      let next = min(end, agenda.nextTime ?? end)
      while network.run(until: next, or: { $0.hasCompleted }) { takeCompleted() }
      network.run(until: next)
      while let (_, event) = agenda.popNext(by: network.time) {
        carryOut(event)
        takeCompleted()
      }
      steps += 1
      if steps % 4096 == 0 {
        progress(network.time.since(start).milliseconds / max(1, end.since(start).milliseconds))
      }
    }
  }

  private mutating func takeCompleted() {
    for (index, outcome) in network.takeCompleted() where workload.indices.contains(index) {
      handleEnd(of: workload[index], index, outcome)
    }
  }

  private mutating func carryOut(_ event: PlannedEvent) {
    switch event {
    case .turn(let host, let turn): if turns[host] == turn { self.turn(host) }
    case .join(let host): join(host)
    case .store(let key): begin(.put, key: key)
    case .look(let key): begin(.look, key: key)
    case .lookup: begin(.lookup, key: nil)
    case .get: begin(.get, key: confirmed.randomElement(using: &random))
    case .regularGet:
      begin(.get, key: confirmed.randomElement(using: &random))
      planRegular(.regularGet, perNodeAndHour: scenario.getsPerMinute * 60)
    case .regularPut:
      begin(.put, key: newKey())
      planRegular(.regularPut, perNodeAndHour: scenario.putsPerHour)
    case .crowdRead: begin(.crowdRead, key: confirmed.first)
    case .divide: divide()
    case .unite: for host in network.hosts { host.side = 0 }
    case .sample: sample()
    }
  }

  // MARK: - The measurement

  private mutating func beginMeasuring() {
    network.countTraffic()
    workload = []
    isMeasuring = true
    began = network.time
    if scenario.adversariesFrom == .measurement { startAdversaries() }
    for host in up { upSince[host] = network.time }
    report.departures = 0
    report.departuresForGood = 0
    // The last operations end before the measurement does.
    let room = Double(max(0, scenario.duration.nanoseconds - 20_000_000_000))
    func spread(_ event: PlannedEvent, _ count: Int) {
      for number in 0..<count {
        agenda.plan(event, at: began + .nanoseconds(Int64(room * (Double(number) + 0.5) / Double(count))))
      }
    }
    spread(.lookup, scenario.lookups)
    spread(.get, scenario.gets)
    planRegular(.regularGet, perNodeAndHour: scenario.getsPerMinute * 60)
    planRegular(.regularPut, perNodeAndHour: scenario.putsPerHour)
    for _ in 0..<scenario.crowd {
      let offset =
        Double(scenario.duration.nanoseconds) / 2 + random.unit() * Double(scenario.crowdWithin.nanoseconds)
      agenda.plan(.crowdRead, at: began + .nanoseconds(Int64(offset)))
    }
    if scenario.partitionShare > 0 {
      agenda.plan(.divide, at: began + scenario.partitionStart)
      agenda.plan(.unite, at: began + scenario.partitionStart + scenario.partitionLength)
    }
    for step in 0..<60 {
      agenda.plan(.sample, at: began + .nanoseconds(scenario.duration.nanoseconds / 60 * Int64(step)))
    }
  }

  private mutating func endMeasuring() {
    sample()
    for host in up { report.nodeHours += hours(since: upSince[host]) }
    report.upkeep = zip(Traffic.kinds, network.traffic?.upkeep ?? []).map { ($0, $1) }
    report.datagrams = network.datagramsSent
    report.trace = network.trace.value
    report.nodesAtEnd = up.count
    for index in up.sorted() {
      let host = network[index]
      report.contacts.append(Double(host.withNode { $0.table.count }))
      // Other hosts cannot be queried.
      guard host.isReachable else { continue }
      report.records.append(Double(host.store.usage.values))
      report.queriesHeard.append(Double(host.queriesHeard))
    }
  }

  /// Plans the next of the operations that each node performs at a rate.
  private mutating func planRegular(_ event: PlannedEvent, perNodeAndHour rate: Double) {
    guard rate > 0 else { return }
    let mean = 3600e9 / (rate * Double(max(1, up.count)))
    agenda.plan(event, at: network.time + .nanoseconds(Int64(mean * random.exponential())))
  }

  private func hours(since time: Instant) -> Double { network.time.since(time).milliseconds / 3.6e6 }

  // MARK: - Hosts that are up

  mutating func addHost(isReachable: Bool) -> Int {
    let host = network.addHost(bootstrap: [], isStarted: false)
    network[host].isReachable = isReachable
    if scenario.diskLag > .zero { network[host].commitMode = .after(scenario.diskLag) }
    let skew = scenario.clockSkew.nanoseconds
    if skew > 0 { network[host].clockOffset = .nanoseconds(Int64.random(in: -skew...skew, using: &random)) }
    places.append(nil)
    turns.append(0)
    hasLeftForGood.append(false)
    upSince.append(network.time)
    return host
  }

  /// Handles the start of a host.
  mutating func handleStart(_ host: Int) {
    places[host] = up.count
    up.append(host)
    upSince[host] = network.time
    turns[host] += 1
    if network[host].isReachable { index.insert(network[host].id, host: host) }
  }

  /// Handles the stop of a host.
  mutating func handleStop(_ host: Int) {
    guard let place = places[host], let last = up.popLast() else { return }
    if last != host {
      up[place] = last
      places[last] = place
    }
    places[host] = nil
    turns[host] += 1
    if isMeasuring { report.nodeHours += hours(since: upSince[host]) }
    index.remove(network[host].id)
  }

  /// Starts all hosts at once with the tables of a long run.
  mutating func beginConverged(_ hosts: Range<Int>) {
    index = network.index(of: hosts)
    // Above this number, replacement contacts take more memory than they are worth.
    let withReplacements = hosts.count <= 20_000
    for host in hosts {
      network[host].bootstrap = bootstrapAddresses(but: host)
      network.startConverged(host, among: index, withReplacements: withReplacements)
      places[host] = up.count
      up.append(host)
      turns[host] += 1
    }
  }

  /// Bootstrap addresses, as a public list of nodes would give.
  mutating func bootstrapAddresses(but host: Int) -> [Endpoint] {
    guard index.count > 0 else { return [] }
    let drawn = (0..<3).map { _ in index[Int.random(in: 0..<index.count, using: &random)] }
    return drawn.filter { $0 != host }.map { network[$0].endpoint }
  }

  /// A random host that is up and has joined; nil if a few tries find none.
  mutating func randomJoinedHost() -> Int? {
    for _ in 0..<16 {
      guard let host = up.randomElement(using: &random) else { return nil }
      if network[host].behaviour == .honest, network[host].withNode({ $0.isJoined }) { return host }
    }
    return nil
  }
}

extension Instant {
  /// Milliseconds since the origin.
  fileprivate var milliseconds: Double { Double(nanoseconds) / 1e6 }
}
