/// Who has proven to be who it says, who is asked to, and what waits for that.
struct Identities: Sendable {
  /// The answer of a node to a lookup that counts once the node has proven who it is.
  struct HeldAnswer: Sendable {
    let operation: OperationID
    let peer: Peer
    let response: Response
    let roundTrip: Duration
  }

  var own: OwnAddresses
  /// Whoever has proven its ID, and where; the latest last.
  private var proven: [NodeID: Endpoint] = [:]
  private var order: [NodeID] = []
  private var held: [HeldAnswer] = []
  /// Proofs that may be made now: each costs as much as ten answers. Half of them are for contacts, so that no
  /// crowd of strangers keeps this node from proving itself to those that it works with.
  private var allowance = TokenBucket()

  /// So many proven nodes are remembered besides those in the table.
  private static let remembered = 1024
  /// So many answers wait; further ones are as good as none.
  private static let mostHeld = 256
  /// Proofs in a second, and at once.
  private static let proofs = TokenBucket.Rate(200)

  init(bound: [Endpoint]) {
    own = OwnAddresses(bound: bound)
  }

  /// Whether one more proof may be made; it counts as made if so.
  mutating func mayProve(_ now: Instant, isFriend: Bool) -> Bool {
    allowance.take(now.nanoseconds, 1, at: Self.proofs, leavingHalf: !isFriend)
  }

  func isProven(_ peer: Peer) -> Bool { proven[peer.id] == peer.endpoint }

  mutating func prove(_ peer: Peer) {
    if proven.updateValue(peer.endpoint, forKey: peer.id) == nil { order.append(peer.id) }
    if order.count > Self.remembered { proven[order.removeFirst()] = nil }
  }

  /// Keeps an answer until its sender has proven who it is.
  ///
  /// - Returns: false if there is no room.
  mutating func hold(_ answer: HeldAnswer) -> Bool {
    guard held.count < Self.mostHeld else { return false }
    held.append(answer)
    return true
  }

  /// Whether somebody's answers wait.
  func waits(for peer: NodeID) -> Bool { held.contains { $0.peer.id == peer } }

  /// What waits for a node to prove itself, or not to.
  mutating func release(_ peer: NodeID) -> [HeldAnswer] {
    guard waits(for: peer) else { return [] }
    let released = held.filter { $0.peer.id == peer }
    held.removeAll { $0.peer.id == peer }
    return released
  }
}
