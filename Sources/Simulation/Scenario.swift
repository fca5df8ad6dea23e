package import Kademlia

/// A network, its conditions and its workload, for `dhtsim run`.
package struct Scenario: Sendable {
  /// The distribution of the lengths of sessions and pauses.
  package enum SessionLaw: String, Hashable, Sendable, CaseIterable {
    /// A session has the same chance to end in every minute.
    case exponential
    /// Many short sessions and few very long ones, as measured in networks of volunteers: shape 0.5.
    case weibull
  }

  /// The initial state of the network.
  package enum Beginning: String, Hashable, Sendable, CaseIterable {
    /// The tables are drawn from a view of all nodes, as after a long run.
    case converged
    /// Each node joins.
    case joins
  }

  /// The time at which adversaries begin to misbehave.
  package enum AdversaryStart: String, Hashable, Sendable, CaseIterable {
    case beginning
    /// Everything stored before the measurement is stored in an honest network.
    case measurement
  }

  /// The kind of lookup that reads values.
  package enum Reading: String, Hashable, Sendable, CaseIterable {
    /// As for plain records.
    case plain
    /// With disjoint paths.
    case disjoint
  }

  /// The purpose of the scenario.
  package var about = ""
  /// The parameters of all nodes.
  package var parameters = Parameters.simulated

  // MARK: The network

  /// Nodes that are up at the start.
  package var nodes = 1000
  package var beginning = Beginning.converged
  package var addresses = AddressPlan.privateNetwork
  /// The share of nodes behind a NAT, which query and cannot be queried.
  package var unreachable = 0.0
  /// The probability that a datagram is lost.
  package var loss = 0.0
  /// The source of delays.
  package var delays = DelayModel.plane(DelayPlane())
  /// The greatest extra delay of a datagram.
  package var jitter: Duration = .milliseconds(4)
  /// The share of slow nodes, and the delay that they add to everything they send.
  package var slowShare = 0.0
  package var slowLag: Duration = .milliseconds(500)
  /// The greatest error of a wall clock, in either direction.
  package var clockSkew: Duration = .zero
  /// The time in which a store makes a record durable.
  package var diskLag: Duration = .zero

  // MARK: Events

  /// The median length of a session; nil if no node leaves.
  package var session: Duration?
  package var sessionLaw = SessionLaw.exponential
  /// The median time between two sessions.
  package var downtime: Duration = .seconds(3600)
  /// The share of sessions after which a node leaves for good, and a new one replaces it.
  package var departing = 0.0
  /// The share of nodes that a partition cuts off, its start and its length.
  package var partitionShare = 0.0
  package var partitionStart: Duration = .seconds(600)
  package var partitionLength: Duration = .seconds(600)
  /// The share of adversaries, and their behaviour.
  package var adversaries = 0.0
  package var behaviour = AdversaryBehaviour.collude
  package var adversariesFrom = AdversaryStart.beginning

  // MARK: The workload

  /// Keys stored before the measurement begins.
  package var keys = 1000
  package var valueBytes = 100
  package var ttl: Duration = .seconds(24 * 3600)
  /// Gets of a random key, by each node a minute.
  package var getsPerMinute = 0.0
  /// Puts of a new key, by each node an hour. Another node looks each up a minute later.
  package var putsPerHour = 0.0
  /// Lookups of random targets by all nodes together.
  package var lookups = 0
  /// Gets of random keys by all nodes together.
  package var gets = 0
  package var reading = Reading.plain
  /// Reads of one key by this many nodes, halfway through.
  package var crowd = 0
  /// The time in which these reads begin.
  package var crowdWithin: Duration = .seconds(60)

  // MARK: The measurement

  /// The time that the network runs before the measurement begins.
  package var warmUp: Duration = .seconds(900)
  /// The length of the measurement.
  package var duration: Duration = .seconds(3600)

  package init() {}
}
