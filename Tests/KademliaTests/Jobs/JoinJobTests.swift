import NodeTime
import Signatures
import Simulation
import Testing

@testable import Kademlia

extension [Directive] {
  fileprivate var hasJoined: Bool { contains { if case .joinEnded = $0 { true } else { false } } }
  fileprivate var resolves: Bool { contains { if case .resolveBootstrap = $0 { true } else { false } } }
}

@Suite("Join and rejoin, alone") struct JoinJobTests {
  private let first = Peer(id: .starting(0x80), endpoint: .host(5))
  private let second = Peer(id: .starting(0x40), endpoint: .host(6))

  private func start(
    _ join: inout Join, _ world: inout JobWorld, hasBootstrap: Bool, isRejoining: Bool = false
  ) -> [Directive] {
    join.start(
      .start, hasBootstrap: hasBootstrap, isForgotten: false, isRejoining: isRejoining, world.shared,
      &world.out)
    return world.takeDirectives()
  }

  private func resolve(
    _ join: inout Join, _ world: inout JobWorld, _ endpoints: [Endpoint], unresolved: Int = 0
  ) -> [Directive] {
    join.bootstrapResolved(
      world.now.monotonic, endpoints, unresolved: unresolved, world.shared, &world.out)
    return world.takeDirectives()
  }

  @Test("the first node of a network has joined at once")
  func alone() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    #expect(start(&join, &world, hasBootstrap: false).hasJoined)
    #expect(join.nextDeadline == nil)
  }

  @Test("a join ends when every bootstrap address has failed, and is tried again with growing pauses")
  func retry() throws {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    let begun = start(&join, &world, hasBootstrap: true)
    #expect(begun.resolves && !begun.hasJoined)
    #expect(resolve(&join, &world, [.host(5), .host(6)]).recipients == [.host(5), .host(6)])
    let owner = QueryOwner.join(.bootstrap)
    let one = world.tell(&join, .unresponsive, of: .bootstrap, to: first, owner: owner, isKnown: false)
    #expect(!one.hasJoined)
    let both = world.tell(&join, .unresponsive, of: .bootstrap, to: second, owner: owner, isKnown: false)
    #expect(both.hasJoined)
    #expect(both.notices == [.bootstrapUnanswered(attempt: 1, retryAfter: .seconds(1))])
    #expect(world.advance(&join).resolves)
    _ = resolve(&join, &world, [.host(5)])
    let again = world.tell(&join, .unresponsive, of: .bootstrap, to: first, owner: owner, isKnown: false)
    #expect(again.notices == [.bootstrapUnanswered(attempt: 2, retryAfter: .seconds(2))])
  }

  @Test("a late answer from this node itself does not keep other bootstrap names from being tried again")
  func ownAddressOfFormerNames() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    _ = resolve(&join, &world, [.host(5)])
    join.bootstrapChanged(hasBootstrap: true, &world.out)
    _ = world.takeDirectives()
    let this = Peer(id: world.shared.id, endpoint: .host(5))
    let owner = QueryOwner.join(.bootstrap)
    _ = world.tell(&join, .answered(by: this), of: .bootstrap, to: this, owner: owner, isKnown: false)
    _ = resolve(&join, &world, [.host(6)])
    let failed = world.tell(&join, .unresponsive, of: .bootstrap, to: second, owner: owner, isKnown: false)
    #expect(failed.notices == [.bootstrapUnanswered(attempt: 1, retryAfter: .seconds(1))])
  }

  @Test("a join that nothing settles ends after its timeout")
  func timeout() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    #expect(world.advance(&join).hasJoined)
    #expect(world.now.monotonic == .start + world.shared.parameters.joinTimeout)
  }

  @Test("the first contact has the own ID looked up, once; the end of that ends the join and refreshes")
  func selfLookup() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    _ = resolve(&join, &world, [.host(5)])
    world.add(first)
    let owner = QueryOwner.join(.bootstrap)
    let met = world.tell(&join, .added(first, isFirst: true, owner: owner))
    #expect(met.lookups.map(\.target) == [world.shared.id])
    join.lookUpSelf(.start, world.shared, &world.out)
    #expect(world.takeDirectives().isEmpty, "one lookup of the own ID runs already")
    let lookup = Lookup(target: world.shared.id, width: 8, alpha: 3, local: world.shared.id)
    join.handleLookupEnd(lookup, world.shared, &world.out)
    let ended = world.takeDirectives()
    #expect(ended.hasJoined)
    #expect(ended.lookups.map(\.width) == [32], "it announces itself to its neighbourhood")
  }

  @Test("a list that names only this node is that of the first node: nothing is tried again")
  func ownAddress() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    #expect(resolve(&join, &world, [.host(0)]).hasJoined)
    #expect(join.nextDeadline == nil)
  }

  @Test("names that have no address yet are looked up again, whomever the node knows by now")
  func unresolved() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    world.add(first)
    _ = resolve(&join, &world, [], unresolved: 1)
    _ = world.advance(&join)
    var isResolved = false
    for _ in 0..<3 { isResolved = isResolved || world.advance(&join).resolves }
    #expect(isResolved)
  }

  @Test("a node that has lost its last contact says so and tries its bootstrap names again")
  func isolated() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    _ = start(&join, &world, hasBootstrap: true)
    let lost = world.tell(&join, .removed(first, hasFailed: true))
    #expect(lost.notices == [.isolated])
    #expect(join.nextDeadline == .start + .seconds(1))
  }

  @Test("a bootstrap that a user asked for ends with those that it met, and not with this node itself")
  func requested() throws {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    let operation = OperationID(rawValue: 7)
    join.bootstrap(.start, [.host(5), .host(6)], for: operation, world.shared, &world.out)
    #expect(world.takeDirectives().recipients == [.host(5), .host(6)])
    let owner = QueryOwner.join(.requested(operation))
    #expect(
      world.tell(&join, .answered(by: first), of: .requested(operation), to: first, owner: owner).isEmpty)
    let own = Peer(id: world.shared.id, endpoint: .host(6))
    let ended = world.tell(
      &join, .answered(by: own), of: .requested(operation), to: second, owner: owner)
    let outcomes = ended.compactMap { directive -> BootstrapOutcome? in
      if case .finish(operation, .bootstrap(let outcome)) = directive { outcome } else { nil }
    }
    #expect(outcomes.map(\.met) == [[first]])
    // None of this node's queries came back: another node has its ID.
    #expect(outcomes.map(\.duplicates) == [[.host(6)]])
    #expect(outcomes.map(\.own) == [[]])
  }

  @Test("a bootstrap address that answers with this node's ID is asked again, and reported once")
  func duplicate() {
    var world = JobWorld()
    var join = Join(world.shared.parameters)
    let twin = Peer(id: world.shared.id, endpoint: .host(5))
    let owner = QueryOwner.join(.bootstrap)
    _ = start(&join, &world, hasBootstrap: true)
    var notices: [Notice] = []
    for _ in 0..<4 {
      #expect(resolve(&join, &world, [.host(5)]).recipients == [.host(5)])
      notices +=
        world.tell(&join, .answered(by: twin), of: .bootstrap, to: twin, owner: owner, isKnown: false)
        .notices
      let expectsOthers = join.expectsOthers
      #expect(expectsOthers)
      #expect(world.advance(&join).resolves)
    }
    #expect(notices.filter { $0 == .duplicateID(at: .host(5)) }.count == 1)
    // Once another node is there, it is met.
    _ = resolve(&join, &world, [.host(5)])
    _ = world.tell(&join, .answered(by: first), of: .bootstrap, to: first, owner: owner, isKnown: false)
    world.add(first)
    #expect(
      world.tell(&join, .added(first, isFirst: true, owner: owner, wasAskedForProof: true)).lookups.count == 1
    )
  }

  @Test("contacts from before the start settle once, however they end; then the join hears of it")
  func rejoin() {
    var world = JobWorld()
    var rejoin = Rejoin()
    rejoin.start([first, second], &world.out)
    #expect(world.takeDirectives().recipients == [.host(5), .host(6)])
    #expect(world.tell(&rejoin, .late, of: (), to: first, owner: .rejoin).isEmpty)
    #expect(world.tell(&rejoin, .unresponsive, of: (), to: first, owner: .rejoin).isEmpty)
    #expect(world.tell(&rejoin, .answered(by: first), of: (), to: first, owner: .rejoin).isEmpty)
    let settled = world.tell(&rejoin, .replaced, of: (), to: second, owner: .rejoin)
    #expect(settled.contains { if case .rejoinSettled = $0 { true } else { false } })
    var join = Join(world.shared.parameters)
    #expect(!start(&join, &world, hasBootstrap: false, isRejoining: true).hasJoined)
    join.handleRejoinSettled(.start, world.shared, &world.out)
    #expect(world.takeDirectives().hasJoined)
  }
}

@Suite("Proofs of identity, alone") struct IdentityProofsTests {
  private let operation = OperationID(rawValue: 3)
  private let peer = Peer(id: .starting(0x80), endpoint: .host(5))

  private func held(at endpoint: Endpoint = .host(5)) -> IdentityProofs.HeldAnswer {
    let peer = Peer(id: peer.id, endpoint: endpoint)
    return .init(
      operation: operation, peer: peer, response: Response(sender: peer.id), roundTrip: .milliseconds(20))
  }

  private func isDelivered(_ directive: Directive) -> Bool {
    if case .deliver = directive { true } else { false }
  }

  private func isFailed(_ directive: Directive) -> Bool {
    if case .failLookup(operation, peer.id) = directive { true } else { false }
  }

  @Test("an answer is held until its sender has proven its identity, who is asked once")
  func holds() {
    var world = JobWorld()
    var proofs = IdentityProofs(bound: [.host(0)])
    proofs.hold(held(), &world.out)
    proofs.hold(held(), &world.out)
    #expect(world.takeDirectives().recipients == [peer.endpoint])
    proofs.handleProof(of: peer, &world.out)
    #expect(world.takeDirectives().count(where: isDelivered) == 2)
  }

  @Test("an answer from another address than the proof's does not count")
  func address() {
    var world = JobWorld()
    var proofs = IdentityProofs(bound: [.host(0)])
    proofs.hold(held(at: .host(6)), &world.out)
    _ = world.takeDirectives()
    proofs.handleProof(of: peer, &world.out)
    #expect(world.takeDirectives().count(where: isFailed) == 1)
  }

  @Test("a node that does not prove its identity is of no use to the lookup", arguments: [0, 1, 2, 3])
  func unproven(_ number: Int) {
    let kinds: [QueryEvent.Kind] = [
      .unresponsive, .replaced, .refused(RPCError(201, ""), from: peer.endpoint), .answered(by: peer),
    ]
    var world = JobWorld()
    var proofs = IdentityProofs(bound: [.host(0)])
    proofs.hold(held(), &world.out)
    _ = world.takeDirectives()
    #expect(world.tell(&proofs, .late, of: (), to: peer, owner: .identityProofs).isEmpty)
    let ended = world.tell(&proofs, kinds[number], of: (), to: peer, owner: .identityProofs)
    #expect(ended.count(where: isFailed) == 1)
  }

  @Test("only so many answers are held; the next is as good as none")
  func bound() {
    var world = JobWorld()
    var proofs = IdentityProofs(bound: [.host(0)])
    for _ in 0..<256 { proofs.hold(held(), &world.out) }
    _ = world.takeDirectives()
    proofs.hold(held(), &world.out)
    #expect(world.takeDirectives().count(where: isFailed) == 1)
  }
}
