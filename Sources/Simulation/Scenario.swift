package import Kademlia

/// A network, what happens to it, and what people do there: what `dhtsim run` plays.
package struct Scenario: Sendable {
  /// How long nodes stay up, or down.
  package enum SessionLaw: String, Hashable, Sendable, CaseIterable {
    /// The same chance to end in every minute.
    case exponential
    /// Many short ones and few very long ones, as measured in networks of volunteers: shape 0.5.
    case weibull
  }

  /// How the network begins.
  package enum Beginning: String, Hashable, Sendable, CaseIterable {
    /// With tables as after a long time, drawn from a view of all nodes.
    case converged
    /// Each node joins.
    case joins
  }

  /// When nodes that are not honest begin not to be.
  package enum AdversaryStart: String, Hashable, Sendable, CaseIterable {
    case beginning
    /// What is stored before the measurement is stored as in a network without them.
    case measurement
  }

  /// How values are read.
  package enum Reading: String, Hashable, Sendable, CaseIterable {
    /// As plain records are.
    case plain
    /// By disjoint paths.
    case disjoint
  }

  /// A few words on what it is for.
  package var about = ""
  /// The numbers that all nodes work by.
  package var parameters = Parameters.simulated

  // MARK: The network

  /// Nodes that are up at the beginning.
  package var nodes = 1000
  package var beginning = Beginning.converged
  package var addresses = AddressPlan.privateNetwork
  /// The share of nodes that query and cannot be queried: they are behind a NAT.
  package var unreachable = 0.0
  /// How likely a datagram is lost.
  package var loss = 0.0
  /// Where delays come from.
  package var delays = DelayModel.plane(DelayPlane())
  /// Up to this much is added to each datagram.
  package var jitter: Duration = .milliseconds(4)
  /// The share of slow nodes, and what those add to all they send.
  package var slowShare = 0.0
  package var slowLag: Duration = .milliseconds(500)
  /// Wall clocks are off by up to this much, either way.
  package var clockSkew: Duration = .zero
  /// How long a store takes to make a record durable.
  package var diskLag: Duration = .zero

  // MARK: What happens to it

  /// The median session; nil: nobody leaves.
  package var session: Duration?
  package var sessionLaw = SessionLaw.exponential
  /// The median time between two sessions.
  package var downtime: Duration = .seconds(3600)
  /// The share of sessions after which a node is gone for good, and a new one comes in its place.
  package var departing = 0.0
  /// The share of nodes that are cut off from the others, when, and for how long.
  package var partitionShare = 0.0
  package var partitionStart: Duration = .seconds(600)
  package var partitionLength: Duration = .seconds(600)
  /// The share of nodes that are not honest, and what they do.
  package var adversaries = 0.0
  package var conduct = AdversaryBehaviour.collude
  package var adversariesFrom = AdversaryStart.beginning

  // MARK: What people do

  /// Keys that are stored before the measurement begins.
  package var keys = 1000
  package var valueBytes = 100
  package var ttl: Duration = .seconds(24 * 3600)
  /// Gets of a random key, by each node in a minute.
  package var getsPerMinute = 0.0
  /// Puts of a new key, by each node in an hour. Each is looked at from elsewhere a minute later.
  package var putsPerHour = 0.0
  /// Lookups of random targets, all nodes together.
  package var lookups = 0
  /// Gets of random keys, all nodes together.
  package var gets = 0
  package var reading = Reading.plain
  /// Reads of one key by as many nodes at once, halfway through.
  package var crowd = 0
  /// The time within which the crowd comes.
  package var crowdWithin: Duration = .seconds(60)

  // MARK: The measurement

  /// How long the network runs before the measurement begins.
  package var warmUp: Duration = .seconds(900)
  /// How long it is measured.
  package var duration: Duration = .seconds(3600)

  package init() {}
}
