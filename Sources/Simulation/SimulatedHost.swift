import Kademlia

/// One machine of a simulated network: a node, its store, and how well it does.
package struct SimulatedHost {
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

  /// Where it is in the network: its index, which its address is made from.
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
  /// Only hosts on the same side hear each other: a partition.
  package var side = 0
  /// Changes what it sends, or keeps it back (nil): so a test makes liars and nodes of another make.
  package var tamper: ((Message) -> Message?)?
  /// What its node wanted people to know.
  package internal(set) var notices: [Notice] = []
  /// Distinguishes its lives: what was planned for an earlier one is void.
  var life = 0
  /// The earliest wake-up that is planned for it.
  var plannedWake: Instant?

  /// Its ID.
  package var id: NodeID { identity.id }
  /// Its address, made from its index.
  package var endpoint: Endpoint { Self.endpoint(of: index) }
  /// Its ID and address.
  package var peer: Peer { Peer(id: id, endpoint: endpoint) }

  private static let firstAddress: UInt32 = 0x0A00_0001
  private static let port: UInt16 = 8001

  /// 10.0.0.1:8001 and so on.
  package static func endpoint(of index: Int) -> Endpoint {
    Endpoint(.v4(firstAddress &+ UInt32(truncatingIfNeeded: index)), port: port)
  }

  /// The index that an address belongs to, if it is one of ours.
  package static func index(of endpoint: Endpoint) -> Int? {
    guard case .v4(let address) = endpoint.address, endpoint.port == port, address >= firstAddress
    else { return nil }
    return Int(address - firstAddress)
  }
}
