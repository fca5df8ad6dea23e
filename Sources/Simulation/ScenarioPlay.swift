import Glibc
import Kademlia
import NodeTime
import SeededRandom

extension Scenario {
  /// Plays it.
  ///
  /// - Parameters:
  ///   - tracer: is shown each thing that the trace counts.
  ///   - progress: is told now and then what share of it is over.
  package func run(
    seed: UInt64, tracer: ((TraceEntry) -> Void)? = nil, progress: (Double) -> Void = { _ in }
  ) -> ScenarioReport {
    var play = ScenarioPlay(self, seed: seed)
    play.network.tracer = tracer
    return play.run(progress)
  }
}

/// A scenario as it is played.
struct ScenarioPlay {
  /// What is to happen beside what the nodes do themselves.
  enum Act {
    /// A session or the time after one ends, unless the host has changed since.
    case turn(host: Int, turn: Int)
    case join(host: Int)
    case store(key: Int)
    case look(key: Int)
    case lookup, get
    /// One of many, each of which is followed by the next.
    case regularGet, regularPut
    case crowdRead
    case divide, unite
    case sample
  }

  /// What somebody does at a node.
  struct WorkloadOperation {
    enum Kind { case lookup, get, put, look, crowdRead }

    let kind: Kind
    let host: Int
    let target: NodeID
    /// Its place among the keys; nil for a lookup.
    let key: Int?
  }

  /// A key that people have put.
  struct Key {
    let name: String
    let target: NodeID
    /// The version that was confirmed; nil before.
    var version: RecordVersion?
  }

  let scenario: Scenario
  var network: SimulatedNetwork
  var random: SplitMix64
  var report: ScenarioReport
  var agenda = EventQueue<Act>()
  var keys: [Key] = []
  /// The keys that may be read.
  var confirmed: [Int] = []
  /// In the order in which the network counts them.
  var workload: [WorkloadOperation] = []
  var isMeasuring = false
  var began = Instant(nanoseconds: 0)
  /// Hosts that are not honest, or will not be.
  var adversaries: [Int] = []

  /// The hosts that are up, in no order, and where each host is among them.
  private(set) var up: [Int] = []
  private var places: [Int?] = []
  /// Those of them that can be queried.
  private(set) var index = IDIndex()
  /// How often each host has come or gone, and whether it is gone for good.
  var turns: [Int] = []
  var isGone: [Bool] = []
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

  // MARK: - From the beginning to the end

  mutating func run(_ progress: (Double) -> Void) -> ScenarioReport {
    network.countTraffic()
    populate()
    planStores()
    let start = Instant(nanoseconds: 0) + scenario.warmUp
    let end = start + scenario.duration
    carryOn(until: start) { progress($0 * start.milliseconds / end.milliseconds) }
    beginMeasuring()
    carryOn(until: end) {
      progress((start.milliseconds + $0 * (end.milliseconds - start.milliseconds)) / end.milliseconds)
    }
    endMeasuring()
    return report
  }

  private mutating func carryOn(until end: Instant, _ progress: (Double) -> Void) {
    let start = network.time
    var steps = 0
    while network.time < end {
      let next = min(end, agenda.nextTime ?? end)
      while network.run(until: next, or: { $0.hasCompleted }) { takeCompleted() }
      network.run(until: next)
      while let (_, act) = agenda.popNext(by: network.time) {
        carryOut(act)
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
      ended(workload[index], index, outcome)
    }
  }

  private mutating func carryOut(_ act: Act) {
    switch act {
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
    if scenario.adversariesFrom == .measurement { beginMisconduct() }
    for host in up { upSince[host] = network.time }
    report.departures = 0
    report.departuresForGood = 0
    // The last of them end before the measurement does.
    let room = Double(max(0, scenario.duration.nanoseconds - 20_000_000_000))
    func spread(_ act: Act, _ count: Int) {
      for number in 0..<count {
        agenda.plan(act, at: began + .nanoseconds(Int64(room * (Double(number) + 0.5) / Double(count))))
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
      // Nobody can query the others.
      guard host.isReachable else { continue }
      report.records.append(Double(host.store.usage.values))
      report.queriesHeard.append(Double(host.queriesHeard))
    }
  }

  /// Something that each node does so often: the next time that any does.
  private mutating func planRegular(_ act: Act, perNodeAndHour rate: Double) {
    guard rate > 0 else { return }
    let mean = 3600e9 / (rate * Double(max(1, up.count)))
    agenda.plan(act, at: network.time + .nanoseconds(Int64(mean * random.exponential())))
  }

  private func hours(since time: Instant) -> Double { network.time.since(time).milliseconds / 3.6e6 }

  // MARK: - Who is up

  mutating func addHost(isReachable: Bool) -> Int {
    let host = network.addHost(bootstrap: [], isStarted: false)
    network[host].isReachable = isReachable
    if scenario.diskLag > .zero { network[host].commitMode = .after(scenario.diskLag) }
    let skew = scenario.clockSkew.nanoseconds
    if skew > 0 { network[host].clockOffset = .nanoseconds(Int64.random(in: -skew...skew, using: &random)) }
    places.append(nil)
    turns.append(0)
    isGone.append(false)
    upSince.append(network.time)
    return host
  }

  /// A host has started.
  mutating func cameUp(_ host: Int) {
    places[host] = up.count
    up.append(host)
    upSince[host] = network.time
    turns[host] += 1
    if network[host].isReachable { index.insert(network[host].id, host: host) }
  }

  /// A host has stopped.
  mutating func wentDown(_ host: Int) {
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

  /// All hosts begin at once, with what they would know after a long time.
  mutating func beginConverged(_ hosts: Range<Int>) {
    index = network.index(of: hosts)
    // Above this many, the contacts that wait in line take more memory than they are worth.
    let spares = hosts.count <= 20_000
    for host in hosts {
      network[host].bootstrap = someAddresses(but: host)
      network.settleIn(host, among: index, spares: spares)
      places[host] = up.count
      up.append(host)
      turns[host] += 1
    }
  }

  /// As a list of nodes that somebody keeps would give them.
  mutating func someAddresses(but host: Int) -> [Endpoint] {
    guard index.count > 0 else { return [] }
    let drawn = (0..<3).map { _ in index[Int.random(in: 0..<index.count, using: &random)] }
    return drawn.filter { $0 != host }.map { network[$0].endpoint }
  }

  /// A host that is up and has joined; nil if none was met by chance.
  mutating func someone() -> Int? {
    for _ in 0..<16 {
      guard let host = up.randomElement(using: &random) else { return nil }
      if network[host].conduct == .honest, network[host].withNode({ $0.isJoined }) { return host }
    }
    return nil
  }
}

extension Instant {
  /// Milliseconds since the origin.
  fileprivate var milliseconds: Double { Double(nanoseconds) / 1e6 }
}
