import EventLoop
package import Kademlia
import NodeTime
import Sealing

/// The state of a node at one moment, for people and for metrics.
package struct NodeSnapshot: Sendable {
  package var id: NodeID
  /// The bound addresses, IPv4 first.
  package var endpoints: [Endpoint] = []
  /// The time since the node was made.
  package var uptime: Duration = .zero
  /// True if the first join has ended.
  package var isJoined = false
  /// The number of contacts in each bucket that has any.
  package var buckets: [(index: Int, contacts: Int)] = []
  /// The number of contacts.
  package var contacts = 0
  /// The place of the node in its network.
  package var standing = Standing.onlyNode
  /// The nodes that this node had and that do not answer, in the order of their IDs.
  package var silentNodes: [SilentNode] = []
  /// The usage of the store.
  package var usage = StoreUsage()
  /// True if the records outlive the process.
  package var isDurable = false
  /// The number of records found damaged since the start.
  package var damagedRecords = 0
  /// The number of copies of records kept for later reads, and their bytes.
  package var cachedRecords = 0
  package var cachedBytes = 0
  /// The expected round trip to a node that was never timed; nil if none was.
  package var roundTrip: Duration?
  /// The events counted since the start.
  package var counters = Counters()
  /// The number of datagrams that the system rejected.
  package var droppedDatagrams: Int64 = 0
  /// The number of operations that run or wait.
  package var pendingOperations = 0
  /// The private network; nil in an open one.
  package var sealing: SealingSnapshot?

  package init(id: NodeID) {
    self.id = id
  }
}

/// The private network of a node at one moment.
package struct SealingSnapshot: Sendable {
  /// The name of the network.
  package let network: String
  /// The number of keys in use.
  package let keys: Int
  /// The number of known sessions of other nodes.
  package let sessions: Int
  /// The number of datagrams that were decrypted.
  package let opened: Int64
  /// The numbers of datagrams that were dropped, by reason.
  package let notSealed: Int64
  package let wrongKey: Int64
  package let replayed: Int64
  package let untimely: Int64
  package let tooMany: Int64

  init(_ keyring: Keyring, sessions: Int, _ counts: OpeningCounts) {
    network = keyring.network
    keys = keyring.keys.count
    self.sessions = sessions
    opened = counts.opened
    notSealed = counts[.notSealed]
    wrongKey = counts[.wrongKey]
    replayed = counts[.replayed]
    untimely = counts[.untimely]
    tooMany = counts[.tooMany]
  }
}

/// A contact of a node at one moment.
package struct ContactSnapshot: Sendable {
  package var id: NodeID
  /// The address that queries go to.
  package var endpoint: Endpoint
  /// The address of the other family; nil if none is known.
  package var alternate: Endpoint?
  /// The index of its bucket.
  package var bucket: Int
  /// Its expected round trip; nil if it was never timed.
  package var roundTrip: Duration?
  /// The time since it became a contact.
  package var age: Duration
  /// The time since its last answer.
  package var silence: Duration
  /// True if it is good; false if it is questionable.
  package var isGood: Bool
  /// True if it has proven its ID.
  package var isProven: Bool
}

extension NodeDriver {
  package var snapshot: NodeSnapshot {
    var snapshot = NodeSnapshot(id: node.id)
    snapshot.endpoints = endpoints
    snapshot.uptime = loop.now.monotonic.since(started.monotonic)
    snapshot.isJoined = node.isJoined
    snapshot.buckets = node.table.occupancy.map { ($0.index, $0.nodes) }
    snapshot.contacts = node.table.count
    snapshot.standing = node.standing
    snapshot.silentNodes = node.silentNodes(loop.now.monotonic)
    snapshot.usage = store.usage
    snapshot.isDurable = store.isDurable
    snapshot.damagedRecords = store.damagedRecords
    snapshot.cachedRecords = node.cachedRecords
    snapshot.cachedBytes = node.cachedBytes
    snapshot.roundTrip = node.networkRoundTrip.smoothed
    snapshot.counters = node.counters
    snapshot.droppedDatagrams = port.droppedDatagrams
    snapshot.pendingOperations = node.pendingOperations
    if let keyring = port.keyring, let counts = port.openingCounts {
      snapshot.sealing = SealingSnapshot(keyring, sessions: port.sealedSessions, counts)
    }
    return snapshot
  }

  package var contactSnapshots: [ContactSnapshot] {
    let now = loop.now.monotonic
    let table = node.table
    return table.contacts.map { contact in
      ContactSnapshot(
        id: contact.id, endpoint: contact.endpoint, alternate: contact.alternate,
        bucket: table.local.distance(to: contact.id).bucketIndex ?? 0,
        roundTrip: contact.roundTrip.smoothed, age: now.since(contact.added),
        silence: now.since(contact.lastAnswered), isGood: contact.state == .good, isProven: contact.isProven)
    }
  }
}
