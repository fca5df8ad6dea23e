import NodeTime
import Simulation
import Testing

@testable import Kademlia

@Suite("Hand-off, alone") struct HandOffJobTests {
  /// Records whose targets begin with a zero, next to the node with ID 0.
  private static let records: [Record] = (0..<2000).lazy
    .map { Record.plain("key \($0)", "value", seq: 5) }
    .filter { $0.target.high >> 63 == 0 }

  private let newcomer = Peer(id: .starting(0x01), endpoint: .host(5))

  private func world(_ count: Int) throws -> JobWorld {
    let world = JobWorld()
    for record in Self.records.prefix(count) { try world.store.write(record) }
    return world
  }

  /// A hand-off that has heard of a newcomer, and whose pass has made its first step.
  private func begun(_ world: inout JobWorld) -> (handOff: Box, offers: [Directive]) {
    let box = Box()
    world.add(newcomer)
    _ = world.tell(&box.handOff, .added(newcomer, isFirst: true, owner: .verification))
    return (box, world.advance(&box.handOff))
  }

  final class Box { var handOff = HandOff() }

  @Test("a node that comes is offered the records that it should hold, a second later")
  func arrival() throws {
    var world = try world(10)
    let (_, offers) = begun(&world)
    #expect(world.now.monotonic.since(.start) == .seconds(1))
    #expect(offers.recipients == Array(repeating: newcomer.endpoint, count: 10))
  }

  @Test("only so many offers to a node wait for an answer, and each answer makes room for the next")
  func window() throws {
    var world = try world(100)
    let (box, offers) = begun(&world)
    #expect(offers.recipients.count == HandOff.offersAtOnce)
    #expect(world.advance(&box.handOff).recipients.isEmpty)
    let id = Self.records[0].id
    let owner = QueryOwner.handOff(.offer(id))
    _ = world.tell(&box.handOff, .answered(by: newcomer), of: .offer(id), to: newcomer, owner: owner)
    #expect(world.advance(&box.handOff).recipients.count == 1)
  }

  @Test("a node that has less gets a copy, one that has more is asked for it, and an equal one is left alone")
  func answers() throws {
    var world = try world(1)
    let (box, _) = begun(&world)
    let record = Self.records[0]
    let owner = QueryOwner.handOff(.offer(record.id))
    func answer(_ seq: Int64?) -> [Directive] {
      let held = seq.map { HeldRecord.version(RecordVersion(seq: $0, expiry: record.version.expiry)) }
      return world.tell(
        &box.handOff, .answered(by: newcomer, token: WriteToken(7), held: held), of: .offer(record.id),
        to: newcomer, owner: owner)
    }
    func isCopy(_ directive: Directive) -> Bool {
      if case .sendCopy(record, newcomer, _) = directive { true } else { false }
    }
    #expect(answer(nil).contains(where: isCopy))
    #expect(answer(4).contains(where: isCopy))
    #expect(answer(5).isEmpty)
    let fetch = answer(6)
    #expect(fetch.recipients == [newcomer.endpoint] && !fetch.contains(where: isCopy))
    let newer = Record.plain("key", "newer", seq: 9)
    let kept = world.tell(
      &box.handOff, .answered(by: newcomer, held: .record(newer)), of: .fetchNewer(newer.id), to: newcomer,
      owner: .handOff(.fetchNewer(newer.id)))
    #expect(kept.contains { if case .keepIfNewer(newer) = $0 { true } else { false } })
  }

  @Test("a node that stops answering is offered the rest a minute later, and not for ever")
  func silence() throws {
    var world = try world(400)
    let (box, _) = begun(&world)
    let id = Self.records[0].id
    var rounds = 0
    while box.handOff.nextDeadline != nil, rounds < 20 {
      rounds += 1
      _ = world.tell(
        &box.handOff, .unresponsive, of: .offer(id), to: newcomer, owner: .handOff(.offer(id)))
      #expect(box.handOff.offers == 0)
      guard box.handOff.nextDeadline != nil else { break }
      _ = world.advance(&box.handOff)
    }
    #expect(rounds == 5)
  }

  @Test("what a node held that has left is looked after, ten seconds later")
  func departure() throws {
    var world = try world(10)
    let box = Box()
    _ = world.tell(&box.handOff, .removed(newcomer, hasFailed: true))
    let directives = world.advance(&box.handOff)
    #expect(world.now.monotonic.since(.start) == .seconds(10))
    #expect(directives.replications.count == 10)
  }

  @Test("a node that has just started takes those that it meets for no newcomers")
  func start() throws {
    var world = try world(10)
    let box = Box()
    box.handOff.start(.start)
    world.add(newcomer)
    _ = world.tell(&box.handOff, .added(newcomer, isFirst: true, owner: .verification))
    #expect(box.handOff.nextDeadline == nil)
  }
}

@Suite("Replication, alone") struct ReplicationJobTests {
  private func world(_ count: Int, contacts: Int = 20) throws -> JobWorld {
    let world = JobWorld(contacts: peers(contacts, inBucket: 0))
    for number in 0..<count {
      let expiry = WallTime.epoch.seconds + 86_400
      try world.store.write(Record.plain("key \(number)", "value", seq: 5, expiry: expiry))
    }
    return world
  }

  private func replication(_ world: borrowing JobWorld) -> Replication {
    Replication(.start, world.shared.parameters, progress: world.store.progress, seed: 4)
  }

  @Test("each record that is held is looked after once in an interval")
  func round() throws {
    var world = try world(50)
    var replication = replication(world)
    var renewed: [RecordID: Int] = [:]
    while world.now.monotonic < .start + world.shared.parameters.replicateInterval {
      for id in world.advance(&replication).replications { renewed[id, default: 0] += 1 }
    }
    #expect((48...51).contains(renewed.count))
    #expect(renewed.values.allSatisfy { $0 == 1 })
  }

  @Test("a record that another node has just looked after is skipped")
  func skipped() throws {
    var world = try world(1)
    var replication = replication(world)
    let id = try #require(world.store.records(from: .first, limit: 1).first?.record.id)
    var renewals = 0
    var skipped = 0
    while world.now.monotonic < .start + .seconds(3000) {
      replication.noteLookedAfter(world.now.monotonic, id)
      let directives = world.advance(&replication)
      renewals += directives.replications.count
      skipped += directives.count { if case .count(\.replicationsSkipped, 1) = $0 { true } else { false } }
    }
    #expect(renewals == 0)
    #expect(skipped <= 2)
  }

  @Test("nobody is looked after where there is nobody to give anything to")
  func alone() throws {
    var world = try world(50, contacts: 0)
    var replication = replication(world)
    for _ in 0..<100 { #expect(world.advance(&replication).replications.isEmpty) }
  }

  @Test("a full queue of replications takes no more, and the round goes on later")
  func room() throws {
    var world = try world(50)
    var replication = replication(world)
    let id = RecordID(.plain, .zero)
    for _ in 0..<world.shared.parameters.renewalsPerSecond {
      world.shared.replications.enqueue(.init(id: id, reason: .replicate))
    }
    for _ in 0..<20 { #expect(world.advance(&replication).replications.isEmpty) }
  }

  @Test("a record with too few holders is looked after when another node has come")
  func underreplicated() throws {
    var world = try world(0, contacts: 2)
    var replication = replication(world)
    let id = RecordID(.plain, .starting(9))
    replication.noteUnderreplicated(id, world.shared)
    #expect(world.advance(&replication).replications.isEmpty)
    let newcomer = peers(1, inBucket: 1)[0]
    _ = world.tell(&replication, .added(newcomer, isFirst: false, owner: .liveness))
    var renewed: [RecordID] = []
    let came = world.now.monotonic
    while renewed.isEmpty, world.now.monotonic.since(came) < .seconds(120) {
      renewed = world.advance(&replication).replications
    }
    #expect(renewed == [id])
    #expect(world.now.monotonic.since(came) >= .seconds(5))
  }

  @Test("the end of a replication gives copies to those that lack the newest version, and to nobody else")
  func spread() throws {
    var world = try world(1)
    var replication = replication(world)
    let record = try #require(world.store.records(from: .first, limit: 1).first?.record)
    var lookup = Lookup(target: record.target, width: 8, alpha: 3, local: world.shared.id)
    let holders = peers(3, inBucket: 0)
    lookup.seed(with: holders.map { Contact($0, at: .start) })
    let versions: [HeldRecord?] = [
      nil, .version(record.version), .version(RecordVersion(seq: 3, expiry: record.version.expiry)),
    ]
    var answers: [NodeID: HeldRecord?] = [:]
    for (holder, version) in zip(holders, versions) { answers[holder.id] = version }
    while let candidate = lookup.next() {
      let answer = Lookup.Answer(token: WriteToken(7), held: answers[candidate.peer.id] ?? nil)
      lookup.answered(candidate.peer.id, answer, nodes: [], after: .milliseconds(20)) { _ in nil }
    }
    let ended = ReplicateOperation(lookup, record, .replicate)
    replication.handleEnd(world.now, of: ended, world.shared, &world.out)
    let copies = world.takeDirectives().compactMap { directive -> NodeID? in
      if case .sendCopy(record, let peer, _) = directive { peer.id } else { nil }
    }
    #expect(Set(copies) == [holders[0].id, holders[2].id])
  }

  @Test("a publisher withdraws what somebody has written over, but not while its store hangs")
  func withdrawal() throws {
    var world = try world(1)
    var replication = replication(world)
    let record = try #require(world.store.records(from: .first, limit: 1).first?.record)
    let lookup = Lookup(target: record.target, width: 8, alpha: 3, local: world.shared.id)
    var ended = ReplicateOperation(lookup, record, .republish)
    let newer = Record.plain("key 0", "newer", seq: 9)
    ended.handleHeld(.record(newer), world.now, world.shared.parameters)
    replication.handleEnd(world.now, of: ended, world.shared, &world.out)
    let withdrawn = world.takeDirectives().changes.contains { change in
      if case .withdraw(record.id, seq: 5) = change { true } else { false }
    }
    #expect(withdrawn)
    for _ in 0..<world.shared.parameters.pendingCommits { _ = world.shared.commits.add(for: .nobody) }
    replication.handleEnd(world.now, of: ended, world.shared, &world.out)
    #expect(world.takeDirectives().changes.isEmpty)
  }
}
