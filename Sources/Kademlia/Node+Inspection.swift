/// What can be read of a node's inner state, for the status of an instance and for tests.
extension Node {
  /// Queries that wait for an answer.
  package var queriesInFlight: Int { inflight.count }

  /// Lookups that run, those of the node's own upkeep among them.
  package var operationsInProgress: Int { operations.count }

  /// Puts that ended and still wait for nodes that would be replicas if they answered.
  package var putsWithStragglers: Int { stragglers.count }

  /// Commits that the shell has not told the end of.
  package var commitsInProgress: Int { shared.commits.count }

  /// The contacts, those that have answered last before the others: what is worth saving for the next
  /// start.
  package var latestContacts: [Peer] {
    shared.table.contacts.sorted { $0.lastAnswered > $1.lastAnswered }.map(\.peer)
  }

  /// Copies of records that were read and are kept for later reads, and their bytes.
  package var cachedRecords: Int { fetched.count }
  package var cachedBytes: Int { fetched.bytes }

  /// Records that were offered to others and are not settled.
  package var offersInFlight: Int { handOffs.offers }

  /// Contacts that left the table and are probed now and then, the latest last.
  package var lostContacts: [Peer] { maintenance.lostContacts }
}
