package import Kademlia
import NodeTime

/// A machine of a simulated network: a node, its store, and its conditions.
///
/// It is a class, so that no node is copied when a datagram reaches it. Copies of a network share their
/// hosts.
package final class SimulatedHost {
  /// The way the store carries out commits.
  package enum CommitMode: Sendable {
    case atOnce
    /// After the time of a group commit to a disk.
    case after(Duration)
    /// With an error, for example of a full disk.
    case refuse(StoreError)
    /// Never, as in a store that hangs.
    case never
  }

  /// The index of the host in the network, from which its address is derived by default.
  package let index: Int
  /// The identity with which its node starts each time.
  package let identity: Node.Identity
  /// The node, which is the real core.
  package internal(set) var node: Node
  /// The records of the node.
  package internal(set) var store: MemoryStore
  /// True if the host runs. A killed host neither receives nor sends.
  package internal(set) var isAlive = false
  /// The endpoints of its bootstrap names; empty if it has none.
  package var bootstrap: [Endpoint]
  /// Saved contacts that are given to its node at the start.
  package var remembered: [Peer] = []
  /// Nodes that had fallen silent before the start.
  package var silent: [SilentNode] = []
  /// True if its user has said, before the start, that the nodes at its bootstrap names are gone.
  package var isBootstrapForgotten = false
  /// The number of its bootstrap names that cannot be resolved.
  package var unresolved = 0
  /// True if its process is halted, as by SIGSTOP. Datagrams wait for it as in the buffer of its socket, and time
  /// goes on.
  package internal(set) var isPaused = false
  /// The events that wait for the process to go on.
  var backlog: [SimulatedNetwork.Event] = []
  /// The most events that wait. Further datagrams are lost, as if the buffer of the socket were full.
  static let backlogCapacity = 256
  /// The way its store carries out commits.
  package var commitMode = CommitMode.atOnce
  /// The delay of a slow machine, which is added to everything it sends.
  package var lag: Duration = .zero
  /// The error of its wall clock; positive if it is ahead.
  package var clockOffset: Duration = .zero
  /// True if other hosts can query it. A host behind a NAT receives only the answers to its own queries.
  package var isReachable = true
  /// The way it answers other hosts.
  package var behaviour = AdversaryBehaviour.honest
  /// Its side of a partition. Only hosts on the same side reach each other.
  package var side = 0
  /// Changes or drops (nil) what it sends, so that a test can make liars and other implementations.
  package var tamper: ((Message) -> Message?)?
  /// The notices of its node.
  package internal(set) var notices: [Notice] = []
  /// Its location in a delay model.
  var place = DelayPlace()
  /// Its operations whose traffic is counted, the latest last.
  var tracked: [(operation: OperationID, tag: UInt32, began: Instant)] = []
  /// The number of queries that reached it since the counting began.
  package internal(set) var queriesHeard = 0
  /// The number of its current life. Events planned for an earlier life are dropped.
  package internal(set) var life = 0
  /// The earliest planned wake-up.
  var plannedWake: Instant?

  init(
    index: Int, identity: Node.Identity, node: consuming Node, store: MemoryStore, bootstrap: [Endpoint],
    place: DelayPlace
  ) {
    self.index = index
    // A host has at least one address.
    self.endpoint = identity.endpoints.first ?? Endpoint(.v4(0), port: 0)
    self.identity = identity
    self.node = node
    self.store = store
    self.bootstrap = bootstrap
    self.place = place
  }

  /// Uses the node in place. Reading a property of a value in a class copies the value first, and a node is
  /// large.
  func withNode<Result>(_ body: (inout Node) -> Result) -> Result { body(&node) }

  /// True if the first join of its node has ended.
  package var isJoined: Bool { node.isJoined }
  /// Its ID.
  package var id: NodeID { identity.id }
  /// Its first address.
  package let endpoint: Endpoint
  /// Returns its address in a family; nil if it has none there.
  package func endpoint(in family: AddressFamily) -> Endpoint? {
    identity.endpoints.first { $0.address.family == family }
  }
  /// Its ID and address.
  package var peer: Peer { Peer(id: id, endpoint: endpoint) }

  /// 10.0.0.1:8001 and so on.
  package static func endpoint(of index: Int) -> Endpoint {
    AddressPlan.privateNetwork.endpoint(of: index)
  }

  /// The index that belongs to such an address.
  package static func index(of endpoint: Endpoint) -> Int? {
    AddressPlan.privateNetwork.index(of: endpoint)
  }
}
