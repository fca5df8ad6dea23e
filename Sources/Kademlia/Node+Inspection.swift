package import NodeTime

/// Read access to a node's inner state, for the status of an instance and for tests.
extension Node {
  /// The identity and the addresses that the node started with.
  package var identity: Identity { shared.identity }

  /// This node's ID.
  package var id: NodeID { shared.identity.id }

  /// This node as its own contact.
  var localPeer: Peer { shared.localPeer }

  /// The parameters in use.
  package var parameters: Parameters { shared.parameters }

  /// The place of this node in its network.
  package var standing: Standing { shared.standing }

  /// The contacts.
  package var table: RoutingTable { shared.table }

  /// The events counted since the start.
  package var counters: Counters { shared.counters }

  /// The round trips of all peers together: the expectation for a peer that was never timed.
  package var networkRoundTrip: RoundTrip { shared.roundTrips }

  /// True if the first join has ended, so that operations run.
  package var isJoined: Bool { shared.isJoined }

  /// Users' operations that run or wait.
  package var pendingOperations: Int { operations.active + operations.waiting }

  /// Queries that wait for an answer.
  package var queriesInFlight: Int { queries.count }

  /// Lookups that run, including those of the node's own upkeep.
  package var operationsInProgress: Int { operations.running }

  /// Puts that have ended and still wait for nodes that would be replicas if they answered.
  package var putsWithStragglers: Int { operations.putsWithStragglers }

  /// Commits that the shell has not reported as ended.
  package var commitsInProgress: Int { shared.commits.count }

  /// The contacts, those that answered last first, and after them the second addresses of those that have one. These
  /// are worth saving for the next start.
  package var latestContacts: [Peer] {
    let contacts = shared.table.contacts.sorted { $0.lastAnswered > $1.lastAnswered }
    return contacts.map(\.peer) + contacts.compactMap(\.otherPeer)
  }

  /// The nodes that this node had and that do not answer, in the order of their IDs.
  package func silentNodes(_ now: Instant) -> [SilentNode] {
    shared.reach.nodes(now)
  }

  /// The number of silent nodes that count against those that answer.
  package var silentCount: Int { shared.reach.silentCount }

  /// True until the neighbours of this node have given it what it should hold.
  package var isNew: Bool { shared.isNew }

  /// True if the user has said that the nodes at the bootstrap names are gone, and no node has been met since.
  package var isBootstrapForgotten: Bool { jobs.join.isForgotten }

  /// Copies of records that were read and are kept for later reads, and their bytes.
  package var cachedRecords: Int { operations.fetched.count }
  package var cachedBytes: Int { operations.fetched.bytes }

  /// Records that were offered to other nodes and are not settled.
  package var offersInFlight: Int { jobs.handOff.offers }

  /// Contacts that have left the table and are probed now and then, the latest last.
  package var lostContacts: [Peer] { jobs.partitionProbe.lostContacts }
}
