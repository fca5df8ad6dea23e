import NodeTime

/// Asks nodes to prove that they have the keys of their IDs, and holds the answers of nodes that have yet to do
/// so. `Responder` proves the ID of this node.
struct IdentityProofs: Job, ~Copyable {
  /// The answer of a node to a lookup, which counts once the node has proven its identity.
  struct HeldAnswer: Sendable {
    let operation: OperationID
    let peer: Peer
    let response: Response
    let roundTrip: Duration
  }

  /// The addresses of this node, as far as it knows them.
  private var own: OwnAddresses
  /// The nodes that have proven their IDs, with the endpoints at which they did; `order` has the latest last.
  private var proven: [NodeID: Endpoint] = [:]
  private var order: [NodeID] = []
  private var held: [HeldAnswer] = []

  /// The most proven nodes that are remembered besides those in the table.
  private static let remembered = 1024
  /// The most answers that are held. Any further one is dropped, and its node fails for the lookup.
  private static let mostHeld = 256

  init(bound: [Endpoint]) {
    own = OwnAddresses(bound: bound)
  }

  // MARK: - The identities of others

  /// Checks whether an answer proves who sent it. A valid proof also tells the address at which the sender
  /// sees this node.
  mutating func verify(
    _ response: Response, to query: QueryTable.Pending, from source: Endpoint, _ shared: borrowing Shared,
    _ out: inout [Directive]
  ) -> Bool {
    guard let nonce = query.nonce, case .proof(let proof, let seen)? = response.credentials else {
      return false
    }
    let isRight =
      response.sender != shared.id
      && proof.isRight(of: response.sender, nonce, for: Peer(id: shared.id, endpoint: seen))
    // The first report of this node's own address is taken at its word. A later one is judged by what others
    // have reported, and only then counted itself.
    let isOurs = isRight && own.contains(seen)
    if isRight { own.heard(seen, from: source.address) }
    out.append(.count(isOurs ? \.proofsAccepted : \.proofsRefused, 1))
    return isOurs
  }

  /// Returns whether a node may take part in operations and enter the table.
  func isTrusted(_ peer: Peer, _ shared: borrowing Shared) -> Bool {
    guard shared.asksForProofs, shared.parameters.identity == .require else { return true }
    return proven[peer.id] == peer.endpoint
      || shared.table.contact(peer.id).map { $0.isProven && $0.isAt(peer.endpoint) } ?? false
  }

  /// Handles a node that has proven its identity: its answers count from now on.
  mutating func handleProof(of peer: Peer, _ out: inout [Directive]) {
    if proven.updateValue(peer.endpoint, forKey: peer.id) == nil { order.append(peer.id) }
    if order.count > Self.remembered { proven[order.removeFirst()] = nil }
    for answer in release(peer.id) {
      out.append(answer.peer == peer ? .deliver(answer) : .failLookup(answer.operation, at: peer.id))
    }
  }

  /// Holds the answer to a lookup until its sender has proven its identity, and asks for the proof.
  mutating func hold(_ answer: HeldAnswer, _ out: inout [Directive]) {
    let id = answer.peer.id
    guard held.count < Self.mostHeld else { return out.append(.failLookup(answer.operation, at: id)) }
    let isAsked = held.contains { $0.peer.id == id }
    held.append(answer)
    if !isAsked { ask(answer.peer, &out) }
  }

  /// Asks a node to prove its identity.
  func ask(_ peer: Peer, _ out: inout [Directive]) {
    out.append(.send(.ping, to: peer.endpoint, expecting: peer.id, owner: .identityProofs))
  }

  mutating func handle(
    _ now: Now, _ event: QueryEvent, of purpose: Void, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    guard let peer = event.query.peer else { return }
    switch event.kind {
    case .answered(let answer) where answer.isProven: break
    case .answered, .forged, .refused, .replaced, .unresponsive:
      for answer in release(peer) { out.append(.failLookup(answer.operation, at: peer)) }
    case .late, .timedOut: break
    }
  }

  mutating func routingChanged(
    _ now: Now, _ change: RoutingChange, _ shared: borrowing Shared, _ out: inout [Directive]
  ) {
    // A node that was met without a proof is asked for one.
    guard case .added(let peer, _, _, wasAskedForProof: false) = change, shared.asksForProofs else { return }
    ask(peer, &out)
  }

  private mutating func release(_ peer: NodeID) -> [HeldAnswer] {
    let released = held.filter { $0.peer.id == peer }
    if !released.isEmpty { held.removeAll { $0.peer.id == peer } }
    return released
  }
}
