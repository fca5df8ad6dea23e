package import Kademlia
import NodeTime

/// One machine of a simulated network: a node, its store, and how well it does.
///
/// A reference, so that nothing of a node is copied when a datagram reaches it: copies of a network
/// share their hosts.
package final class SimulatedHost {
  /// What the store does with what it is asked to keep.
  package enum CommitMode: Sendable {
    case atOnce
    /// As a group commit to a disk would take.
    case after(Duration)
    /// As a full disk would.
    case refuse(StoreError)
    /// Asked, and never done: a store that hangs.
    case never
  }

  /// Where it is in the network: its index, which its address is made from unless it was given another.
  package let index: Int
  /// What its node starts from, each time.
  package let identity: Node.Identity
  /// The real core.
  package internal(set) var node: Node
  /// Its records.
  package internal(set) var store: MemoryStore
  /// Whether it runs. A killed host neither hears nor says anything.
  package internal(set) var isAlive = false
  /// What its bootstrap names resolve to. Empty: it has none.
  package var bootstrap: [Endpoint]
  /// Contacts from before that it is told of when it starts.
  package var remembered: [Peer] = []
  /// How many of its bootstrap names cannot be looked up.
  package var unresolved = 0
  /// What its store does with a commit.
  package var commitMode = CommitMode.atOnce
  /// Its machine is slow: everything it sends leaves this much later.
  package var lag: Duration = .zero
  /// How far its wall clock is ahead.
  package var clockOffset: Duration = .zero
  /// Whether others can query it. One behind a NAT hears only the answers to what it asked itself.
  package var isReachable = true
  /// How it answers others.
  package var conduct = AdversaryBehaviour.honest
  /// Only hosts on the same side hear each other: a partition.
  package var side = 0
  /// Changes what it sends, or keeps it back (nil): so a test makes liars and nodes of another make.
  package var tamper: ((Message) -> Message?)?
  /// What its node wanted people to know.
  package internal(set) var notices: [Notice] = []
  /// Where it is, as far as delays go.
  var place = DelayPlace()
  /// Its operations whose traffic is counted, the latest last.
  var tracked: [(operation: OperationID, tag: UInt32, began: Instant)] = []
  /// Queries that reached it since the counting began.
  package internal(set) var queriesHeard = 0
  /// Distinguishes its lives: what was planned for an earlier one is void.
  var life = 0
  /// The earliest wake-up that is planned for it.
  var plannedWake: Instant?

  init(
    index: Int, endpoint: Endpoint, identity: Node.Identity, node: consuming Node, store: MemoryStore,
    bootstrap: [Endpoint], place: DelayPlace
  ) {
    self.index = index
    self.endpoint = endpoint
    self.identity = identity
    self.node = node
    self.store = store
    self.bootstrap = bootstrap
    self.place = place
  }

  /// Uses the node where it is. To read a property of a value that a class holds is to copy the value
  /// first, and a node is large.
  func withNode<Result>(_ body: (inout Node) -> Result) -> Result { body(&node) }

  /// Whether its node's first join has ended.
  package var isJoined: Bool { node.isJoined }
  /// Its ID.
  package var id: NodeID { identity.id }
  /// Its address.
  package let endpoint: Endpoint
  /// Its ID and address.
  package var peer: Peer { Peer(id: id, endpoint: endpoint) }

  /// 10.0.0.1:8001 and so on.
  package static func endpoint(of index: Int) -> Endpoint {
    AddressPlan.privateNetwork.endpoint(of: index)
  }

  /// The index that such an address belongs to.
  package static func index(of endpoint: Endpoint) -> Int? {
    AddressPlan.privateNetwork.index(of: endpoint)
  }
}
