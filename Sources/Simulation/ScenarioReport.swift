import Glibc
import Kademlia

/// What came of a scenario.
package struct ScenarioReport: Sendable {
  /// What was measured of one kind of operation.
  package struct Operations: Sendable {
    /// How many were begun, and how many have ended.
    package internal(set) var begun = 0
    package internal(set) var ended = 0
    /// Milliseconds until each was complete.
    package internal(set) var latency: [Double] = []
    /// Milliseconds until the asker first heard a record; gets that found one only.
    package internal(set) var firstAnswer: [Double] = []
    /// The same two of gets whose asker's own line adds less than `ScenarioReport.slowLine` to each round
    /// trip: what a lookup can do something about. Those of a plane of delays only.
    package internal(set) var latencyOnFastLines: [Double] = []
    package internal(set) var firstAnswerOnFastLines: [Double] = []
    /// How many steps away the closest node was that was found.
    package internal(set) var hops: [Double] = []
    /// Queries sent, and bytes of queries and answers.
    package internal(set) var queries: [Double] = []
    package internal(set) var bytes: [Double] = []
    /// Of the K closest live nodes that can be queried, the share that was found.
    package internal(set) var found: [Double] = []
    /// Those that found all of them.
    package internal(set) var exact = 0
    /// Those that did not do what they should have: gets of live keys without their value, puts that were
    /// not confirmed.
    package internal(set) var failed = 0
    /// Gets that found a value with too few votes to confirm it, and gets that found none with too few.
    package internal(set) var unconfirmed = 0
    package internal(set) var unreachable = 0
    /// Puts that a majority of the live nodes confirmed, and not of all that count.
    package internal(set) var weak = 0
    /// Gets that gave a value which nobody wrote.
    package internal(set) var wrong = 0
    /// Where some nodes are not honest: gets of keys that others who are hold; and of those that met one of
    /// them, how many steps away the first was.
    package internal(set) var reachable = 0
    package internal(set) var holderHops: [Double] = []
  }

  /// Milliseconds of a round trip from which an access line counts as slow.
  package static let slowLine = 100.0

  /// How it stood at one time.
  package struct Moment: Sendable {
    /// Minutes since the measurement began.
    package let minutes: Double
    /// Nodes that were up.
    package let nodes: Int
    /// Of the unexpired keys, the share that some live node that can be queried held; and that some disk
    /// held of which the node may come back.
    package let available: Double
    package let kept: Double
    /// Live holders of a key, on average.
    package let replicas: Double
  }

  /// The scenario and its seed.
  package let scenario: Scenario
  package let seed: UInt64
  package internal(set) var lookups = Operations()
  package internal(set) var gets = Operations()
  package internal(set) var puts = Operations()
  package internal(set) var crowd = Operations()
  /// For each put, of the K nodes that a lookup from elsewhere found a minute later, the share that held
  /// the record.
  package internal(set) var agreement: [Double] = []
  package internal(set) var moments: [Moment] = []
  /// Keys that no disk has any more although their time is not over.
  package internal(set) var lostKeys = 0
  /// Keys of which that was asked.
  package internal(set) var unexpiredKeys = 0
  /// Of each node that was up at the end: the records it held, and the queries it heard.
  package internal(set) var records: [Double] = []
  package internal(set) var queriesHeard: [Double] = []
  /// Contacts of each node that was up at the end.
  package internal(set) var contacts: [Double] = []
  /// Upkeep by kind, and all hours of all nodes.
  package internal(set) var upkeep: [(kind: String, cost: Traffic.Cost)] = []
  package internal(set) var nodeHours = 0.0
  /// Datagrams of the whole run, those before the measurement too.
  package internal(set) var datagrams = 0
  /// Nodes that were up at the end.
  package internal(set) var nodesAtEnd = 0
  /// Sessions that ended, and those after which a node was gone for good.
  package internal(set) var departures = 0
  package internal(set) var departuresForGood = 0
  /// A hash of all that has happened.
  package internal(set) var trace: UInt64 = 0

  init(_ scenario: Scenario, seed: UInt64) {
    self.scenario = scenario
    self.seed = seed
  }

  /// The share of gets that met an honest holder, 0 to 1; nil where none was asked for that.
  package var reachedShare: Double? {
    gets.reachable > 0 ? Double(gets.holderHops.count) / Double(gets.reachable) : nil
  }

  /// The share of lookups that should, 0 to 1: of d disjoint paths of h nodes, at least one has no adversary
  /// (S/Kademlia, Baumgart and Mies 2007: 1 - (1 - (1 - a)^h)^d, here with the mean number of hops for h). Nil
  /// where no get has met anybody.
  package var disjointPathBound: Double? {
    guard scenario.adversaries > 0, let hops = Samples(gets.holderHops).mean else { return nil }
    let paths = scenario.reading == .disjoint ? scenario.parameters.disjointPaths : 1
    return 1 - pow(1 - pow(1 - scenario.adversaries, hops), Double(paths))
  }

  /// Bytes that upkeep costs a node in an hour; sent by it or sent to it as an answer.
  package var upkeepBytes: Double {
    Double(upkeep.reduce(0) { $0 + $1.cost.bytes }) / max(nodeHours, 1e-9)
  }

  /// Queries that upkeep costs a node in an hour.
  package var upkeepQueries: Double {
    Double(upkeep.reduce(0) { $0 + $1.cost.queries }) / max(nodeHours, 1e-9)
  }
}
