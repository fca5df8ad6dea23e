import NodeTime
import Testing

@testable import Kademlia

@Suite("A put alone")
struct PutOperationTests {
  private let holders = peers(3, inBucket: 0)

  /// A world of three contacts where K is 2, with this node far from the key.
  private func world() -> PoolWorld { PoolWorld(contacts: holders) { $0.k = 2 } }

  /// A put whose lookup has found two replicas, which have both been asked to store.
  private func storing(_ world: inout PoolWorld, ifSeq: Int64? = nil) throws -> (
    OperationID, [PoolWorld.Sent]
  ) {
    let id = try world.put(ifSeq: ifSeq)
    world.answerLookup()
    var stores: [PoolWorld.Sent] = []
    while let store = world.take("store") { stores.append(store) }
    // This node may be one of the two closest itself.
    try #require(stores.count + world.commits.count == 2)
    return (id, stores)
  }

  /// Two stores at others: the put of a world whose own node is no replica.
  private func storingAtOthers(
    _ world: inout PoolWorld, ifSeq: Int64? = nil
  ) throws -> (OperationID, PoolWorld.Sent, PoolWorld.Sent) {
    let (id, stores) = try storing(&world, ifSeq: ifSeq)
    try #require(stores.count == 2)
    return (id, stores[0], stores[1])
  }

  @Test("a put is stored when both replicas have confirmed")
  func stored() throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world)
    world.confirm(first)
    #expect(world.putOutcome(of: id) == nil)
    world.confirm(second)
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .stored)
    #expect(outcome.stored == 2)
    #expect(world.pool.running == 0)
  }

  @Test("a holder that confirms after another was asked in its place makes no third replica of two")
  func lateConfirmation() throws {
    var world = world()
    let (id, late, second) = try storingAtOthers(&world)
    world.tell(late, .unresponsive)
    // The next that has answered is this node itself.
    #expect(world.commits.count == 1)
    world.confirm(late)
    world.confirm(second)
    world.answerLookup()
    #expect(world.putOutcome(of: id) == nil)
    world.endCommit()
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .stored)
    #expect(outcome.stored == 2)
    #expect(outcome.replicas == 2)
    #expect(outcome.failures.isEmpty)
  }

  @Test("a holder that refuses its own token is asked for another once, and then given the record again")
  func renewedToken() throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world)
    world.confirm(second)
    let badToken = RPCError(RPCError.protocolError, "bad token")
    world.tell(first, .refused(badToken, from: first.peer.endpoint))
    let request = try world.require("token", to: first.peer)
    world.answer(request, token: WriteToken(8))
    let again = try world.require("store", to: first.peer)
    guard case .put(_, let token, _) = again.method else {
      Issue.record("no store was sent")
      return
    }
    #expect(token == WriteToken(8))
    world.tell(again, .refused(badToken, from: first.peer.endpoint))
    #expect(world.take("token") == nil)
    // This node takes its place.
    world.answerLookup()
    world.endCommit()
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .stored)
    #expect(outcome.failures == [.init(peer: first.peer, reason: .refused(badToken))])
  }

  @Test("a put with if_seq that a newer version stops says which it is")
  func conflict() throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world, ifSeq: 0)
    let newer = RPCError(RPCError.casMismatch, "seq is 9, not 0")
    for store in [first, second] {
      world.tell(store, .refused(newer, from: store.peer.endpoint))
      let question = try world.require("refusal", to: store.peer)
      world.answer(
        question, held: .version(RecordVersion(seq: 9, expiry: WallTime.epoch.seconds + 60)))
    }
    // Nobody else is asked to take what the right holders refuse.
    #expect(world.take("store") == nil)
    #expect(world.putOutcome(of: id)?.verdict == .conflict(current: 9))
  }

  @Test(
    "a put ends whatever becomes of the request for a token",
    arguments: [QueryEvent.Kind.timedOut, .forged, .replaced])
  func lostToken(_ kind: QueryEvent.Kind) throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world)
    world.confirm(second)
    world.tell(first, .refused(RPCError(RPCError.protocolError, "bad token"), from: first.peer.endpoint))
    world.tell(try world.require("token"), kind)
    world.answerLookup()
    world.endCommit(.failure(.diskFull))
    world.tell(try world.require("store"), kind)
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .quorumFailed)
    #expect(outcome.stored == 1)
    #expect(outcome.failures.count == 3)
  }

  @Test(
    "a put with if_seq ends whatever becomes of the question which version is newer",
    arguments: [QueryEvent.Kind.unresponsive, .forged, .replaced])
  func lostQuestion(_ kind: QueryEvent.Kind) throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world, ifSeq: 0)
    world.confirm(second)
    world.tell(first, .refused(RPCError(RPCError.casMismatch, "seq"), from: first.peer.endpoint))
    world.tell(try world.require("refusal"), kind)
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .conflict(current: nil))
    #expect(outcome.stored == 1)
  }

  @Test("a put waits for its own store as for a replica, and says why that would not take the record")
  func ownStore() throws {
    var world = PoolWorld(contacts: [])
    let (id, stores) = try {
      let id = try world.put()
      world.answerLookup()
      return (id, world.commits.count)
    }()
    #expect(stores == 1)
    #expect(world.putOutcome(of: id) == nil)
    world.endCommit(.failure(.diskFull))
    let ended = world.putOutcome(of: id)
    let outcome = try #require(ended)
    #expect(outcome.verdict == .quorumFailed)
    #expect(outcome.failures.map(\.reason) == [.store(.diskFull)])
  }

  @Test("events of a put that has ended change nothing")
  func afterTheEnd() throws {
    var world = world()
    let (id, first, second) = try storingAtOthers(&world)
    world.confirm(first)
    world.confirm(second)
    #expect(world.putOutcome(of: id) != nil)
    for kind in [QueryEvent.Kind.late, .unresponsive, .timedOut] { world.tell(first, kind) }
    world.confirm(second)
    #expect(world.sent.isEmpty)
    #expect(world.outcomes.count == 1)
    #expect(world.pool.running == 0)
  }
}
