import Kademlia
import NodeTime
import SeededRandom

/// Nodes leave and return with their disks while clients write, overwrite, delete and read. The scenario
/// checks that the network keeps its guarantees.
package struct ChurnScenario: Sendable {
  /// The number of nodes, including those that are down.
  package var nodes = 100
  /// The length of the run in hours.
  package var hours = 24
  /// The length of a session, and of the pause after it, from half to one and a half times this long.
  package var session: Duration = .seconds(3600)
  /// The number of keys that clients write.
  package var keys = 300
  /// The conditions of the links.
  package var links = LinkConditions()
  /// The seed of all random choices.
  package var seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    links.loss = 0.01
  }

  /// A broken guarantee.
  package struct Violation: Hashable, Sendable {
    /// The time of the violation, in seconds of the run.
    package let time: Int64
    /// The violation, for people.
    package let description: String
  }

  /// The result of the run.
  package struct Report: Sendable {
    /// The broken guarantees.
    package fileprivate(set) var violations: [Violation] = []
    /// Writes that were confirmed, and writes with an unknown outcome.
    package fileprivate(set) var confirmed = 0
    package fileprivate(set) var unconfirmed = 0
    /// Reads that had to find a value, and reads that had to find none.
    package fileprivate(set) var readsOfValues = 0
    package fileprivate(set) var readsOfNothing = 0
    /// Reads that were tried again because a later or another answer was valid.
    package fileprivate(set) var retries = 0
    /// The number of node starts.
    package fileprivate(set) var starts = 0
    /// Datagrams sent by all nodes.
    package fileprivate(set) var datagrams = 0
    /// The work of maintenance.
    package fileprivate(set) var replications: Int64 = 0
    package fileprivate(set) var republications: Int64 = 0
    package fileprivate(set) var handOffs: Int64 = 0
    package fileprivate(set) var replicasSent: Int64 = 0
    /// A hash of the run.
    package fileprivate(set) var trace: UInt64 = 0
  }

  /// Runs the scenario.
  ///
  /// - Parameter tracer: called with each event of the trace.
  package func run(tracer: ((TraceEntry) -> Void)? = nil) throws -> Report {
    var play = ChurnPlay(self)
    play.network.tracer = tracer
    return try play.run()
  }
}

/// A running churn scenario.
private struct ChurnPlay {
  /// The expected state of a key.
  private struct Key {
    /// The newest confirmed write: its seq, its expiry, and its value; nil after a deletion.
    var seq: Int64 = -1
    var expiry: Int64 = 0
    var value: String?
    /// The values of writes with an unknown outcome. A read may return any of them.
    var possible: Set<String> = []
    /// True if a deletion with an unknown outcome took place.
    var isPerhapsDeleted = false
    /// The first expiry of a write with an unknown outcome: if it took effect, nothing may be found from then on.
    var possibleEnd = Int64.max
  }

  private let scenario: ChurnScenario
  fileprivate var network: SimulatedNetwork
  private var random: SplitMix64
  private var switches: [Instant]
  private var keys: [Key]
  private var report = ChurnScenario.Report()
  private var writes = 0

  init(_ scenario: ChurnScenario) {
    self.scenario = scenario
    var configuration = SimulatedNetwork.Configuration()
    configuration.links = scenario.links
    configuration.remembersContacts = true
    network = SimulatedNetwork(seed: scenario.seed, nodes: scenario.nodes, configuration)
    random = SplitMix64(seed: SplitMix64.mix(scenario.seed))
    keys = Array(repeating: Key(), count: scenario.keys)
    switches = []
  }

  mutating func run() throws -> ChurnScenario.Report {
    network.run(for: .seconds(10))
    report.starts = scenario.nodes
    // The run starts in the middle of sessions and pauses. If all nodes started together, most would leave
    // within the first hour, and no node would be up for a while.
    network.kill(stride(from: 0, to: scenario.nodes, by: 2))
    switches = (0..<scenario.nodes).map { _ in
      network.time + .nanoseconds(Int64.random(in: 0...scenario.session.nanoseconds, using: &random))
    }
    let end = network.time + .seconds(scenario.hours * 3600)
    let minute: Duration = .seconds(60)
    var minutes = 0
    while network.time < end {
      let next = network.time + minute
      while let host = dueSwitch(by: next) { turn(host) }
      network.run(for: max(.zero, next.since(network.time)))
      minutes += 1
      // All writes happen in the first half. The second half shows which values last.
      if minutes <= scenario.hours * 30 { for _ in 0..<max(1, scenario.keys / 300) { try write() } }
      for _ in 0..<5 { try read(Int.random(in: 0..<keys.count, using: &random)) }
      if minutes % 60 == 0 { for key in keys.indices { try read(key) } }
    }
    for host in network.hosts {
      report.replications += host.node.counters.replications
      report.republications += host.node.counters.republications
      report.handOffs += host.node.counters.handOffs
      report.replicasSent += host.node.counters.replicasSent
    }
    report.datagrams = network.datagramsSent
    report.trace = network.trace.value
    return report
  }

  // MARK: - Nodes that come and go

  private func dueSwitch(by limit: Instant) -> Int? {
    switches.indices.filter { switches[$0] <= limit }.min { switches[$0] < switches[$1] }
  }

  private mutating func turn(_ host: Int) {
    network.run(for: max(.zero, switches[host].since(network.time)))
    if network[host].isAlive {
      collect(host)
      network.kill(host)
    } else {
      network.restart(host)
      report.starts += 1
    }
    let session = scenario.session.nanoseconds
    let length = Int64.random(in: session / 2...session + session / 2, using: &random)
    switches[host] = network.time + .nanoseconds(length)
  }

  /// A node that starts again counts from 0.
  private mutating func collect(_ host: Int) {
    let counters = network[host].node.counters
    report.replications += counters.replications
    report.republications += counters.republications
    report.handOffs += counters.handOffs
    report.replicasSent += counters.replicasSent
  }

  private mutating func randomHost() -> Int? {
    network.alive.filter { network[$0].node.isJoined }.randomElement(using: &random)
  }

  // MARK: - People

  private func name(_ key: Int) -> String { "key \(key)" }

  private mutating func write() throws {
    guard let host = randomHost() else { return }
    let key = Int.random(in: 0..<keys.count, using: &random)
    writes += 1
    let outcome: PutOutcome
    let value: String?
    if keys[key].seq >= 0, random.chance(0.2) {
      value = nil
      outcome = try network.delete(name(key), at: host)
    } else {
      value = "value \(writes)"
      let hours = [1, 3, 12, 48, 100].randomElement(using: &random) ?? 24
      outcome = try network.put(name(key), value ?? "", at: host, ttl: Int64(hours * 3600))
    }
    // A weak put promises nothing until the silent nodes are back.
    if outcome.verdict == .stored, !outcome.isWeak {
      report.confirmed += 1
      keys[key] = Key(seq: outcome.version.seq, expiry: outcome.version.expiry, value: value)
    } else {
      report.unconfirmed += 1
      if let value {
        keys[key].possible.insert(value)
        keys[key].possibleEnd = min(keys[key].possibleEnd, outcome.version.expiry)
      } else {
        keys[key].isPerhapsDeleted = true
      }
    }
  }

  /// Reads a key, and reads it again at another node if too few nodes answered.
  private mutating func read(_ key: Int) throws {
    guard keys[key].seq >= 0 || !keys[key].possible.isEmpty else { return }
    var violation: String?
    for attempt in 0..<4 {
      guard let host = randomHost() else { return }
      if attempt > 0 {
        report.retries += 1
        network.run(for: .seconds(10))
      }
      let asked = network.now(at: host).wall
      let outcome = try network.get(name(key), at: host)
      violation = check(key, outcome, askedAt: asked, answeredAt: network.now(at: host).wall)
      guard violation != nil else { return }
      // A value that must not exist is an error on the first read.
      if case .found = outcome { break }
    }
    if let violation { noteViolation(violation) }
  }

  /// Checks an answer. A value that expires during the read may be found or not.
  ///
  /// - Returns: the violation; nil if there is none.
  private mutating func check(
    _ index: Int, _ outcome: GetOutcome, askedAt asked: WallTime, answeredAt answered: WallTime
  ) -> String? {
    let key = keys[index]
    let isLive = key.value != nil && min(key.expiry, key.possibleEnd) > answered.seconds
    switch outcome {
    case .found(let record), .unconfirmed(let record), .cached(let record, _):
      let value = String(decoding: record.value, as: UTF8.self)
      if record.version.isExpired(at: asked) { return "\(name(index)) was read after its expiry" }
      if record.version.seq < key.seq { return "\(name(index)) was read in an older version" }
      guard value == key.value || key.possible.contains(value) else {
        return key.value == nil
          ? "\(name(index)) was read after its deletion" : "\(name(index)) has a value that was never written"
      }
      if isLive { report.readsOfValues += 1 }
      return nil
    case .notFound:
      guard isLive, !key.isPerhapsDeleted else {
        report.readsOfNothing += 1
        return nil
      }
      return "\(name(index)) is lost: not found"
    case .unreachable:
      return isLive && !key.isPerhapsDeleted ? "\(name(index)) cannot be read" : nil
    }
  }

  private mutating func noteViolation(_ description: String) {
    let time = network.time.nanoseconds / 1_000_000_000
    report.violations.append(ChurnScenario.Violation(time: time, description: description))
  }
}
