import Glibc
import Kademlia

/// The results of a scenario.
package struct ScenarioReport: Sendable {
  /// The measurements of one kind of operation.
  package struct Operations: Sendable {
    /// The number of operations that were begun, and that have ended.
    package internal(set) var begun = 0
    package internal(set) var ended = 0
    /// The time until each was complete, in milliseconds.
    package internal(set) var latency: [Double] = []
    /// The time until the asker first received a record, in milliseconds, for gets that found one.
    package internal(set) var firstAnswer: [Double] = []
    /// The same two for gets whose asker's access line adds less than `ScenarioReport.slowLine` to each
    /// round trip, which a better lookup could improve. They are measured only in a plane of delays.
    package internal(set) var latencyOnFastLines: [Double] = []
    package internal(set) var firstAnswerOnFastLines: [Double] = []
    /// The number of hops to the closest node found.
    package internal(set) var hops: [Double] = []
    /// Queries sent, and bytes of queries and answers.
    package internal(set) var queries: [Double] = []
    package internal(set) var bytes: [Double] = []
    /// The share of the K closest live, reachable nodes that was found.
    package internal(set) var found: [Double] = []
    /// Lookups that found all of them.
    package internal(set) var exact = 0
    /// Operations that failed: gets of live keys without their value, and puts that were not confirmed.
    package internal(set) var failed = 0
    /// Gets that found a value with too few votes to confirm it, and gets that found none with too few.
    package internal(set) var unconfirmed = 0
    package internal(set) var unreachable = 0
    /// Puts that a majority of the live nodes confirmed, and not of all that count.
    package internal(set) var weak = 0
    /// Gets that returned a value that was never written.
    package internal(set) var wrong = 0
    /// With adversaries: gets of keys that other honest nodes hold, and the hops to the first honest holder
    /// of the gets that met one.
    package internal(set) var reachable = 0
    package internal(set) var holderHops: [Double] = []
  }

  /// The round trip from which an access line counts as slow, in milliseconds.
  package static let slowLine = 100.0

  /// The state at one time.
  package struct Moment: Sendable {
    /// Minutes since the measurement began.
    package let minutes: Double
    /// Nodes that were up.
    package let nodes: Int
    /// The share of unexpired keys that a live, reachable node held, and that the disk of a node that may
    /// return held.
    package let available: Double
    package let kept: Double
    /// The mean number of live holders of a key.
    package let replicas: Double
  }

  /// The scenario and its seed.
  package let scenario: Scenario
  package let seed: UInt64
  package internal(set) var lookups = Operations()
  package internal(set) var gets = Operations()
  package internal(set) var puts = Operations()
  package internal(set) var crowd = Operations()
  /// For each put, the share of the K nodes found by another node's lookup a minute later that held the
  /// record.
  package internal(set) var agreement: [Double] = []
  package internal(set) var moments: [Moment] = []
  /// Unexpired keys that no disk holds any more.
  package internal(set) var lostKeys = 0
  /// The unexpired keys that were checked.
  package internal(set) var unexpiredKeys = 0
  /// For each node that was up at the end, its records and the queries that it received.
  package internal(set) var records: [Double] = []
  package internal(set) var queriesHeard: [Double] = []
  /// Contacts of each node that was up at the end.
  package internal(set) var contacts: [Double] = []
  /// The cost of maintenance by kind, and the hours of all nodes together.
  package internal(set) var upkeep: [(kind: String, cost: Traffic.Cost)] = []
  package internal(set) var nodeHours = 0.0
  /// Datagrams of the whole run, including the warm-up.
  package internal(set) var datagrams = 0
  /// Nodes that were up at the end.
  package internal(set) var nodesAtEnd = 0
  /// Sessions that ended, and those after which a node left for good.
  package internal(set) var departures = 0
  package internal(set) var departuresForGood = 0
  /// A hash of the run.
  package internal(set) var trace: UInt64 = 0

  init(_ scenario: Scenario, seed: UInt64) {
    self.scenario = scenario
    self.seed = seed
  }

  /// The share of gets that met an honest holder, 0 to 1; nil if there were none to measure.
  package var reachedShare: Double? {
    gets.reachable > 0 ? Double(gets.holderHops.count) / Double(gets.reachable) : nil
  }

  /// The expected share, 0 to 1: with d disjoint paths of h nodes, at least one path has no adversary with
  /// the probability 1 - (1 - (1 - a)^h)^d (S/Kademlia, Baumgart and Mies 2007), here with the mean number
  /// of hops for h. Nil if no get met a holder.
  package var disjointPathBound: Double? {
    guard scenario.adversaries > 0, let hops = Samples(gets.holderHops).mean else { return nil }
    let paths = scenario.reading == .disjoint ? scenario.parameters.disjointPaths : 1
    return 1 - pow(1 - pow(1 - scenario.adversaries, hops), Double(paths))
  }

  /// The bytes that maintenance costs a node an hour, sent by it or to it as answers.
  package var upkeepBytes: Double {
    Double(upkeep.reduce(0) { $0 + $1.cost.bytes }) / max(nodeHours, 1e-9)
  }

  /// The queries that maintenance costs a node an hour.
  package var upkeepQueries: Double {
    Double(upkeep.reduce(0) { $0 + $1.cost.queries }) / max(nodeHours, 1e-9)
  }
}
