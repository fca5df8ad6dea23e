import NodeTime
import Signatures
import Simulation
import Testing

@testable import Kademlia

@Suite("Expiry, alone") struct ExpiryTests {
  private func isExpiry(_ change: StoreChange) -> Bool {
    if case .removeExpired = change { true } else { false }
  }

  @Test("it asks for a batch once in an interval, and again after a second while batches are full")
  func batches() {
    var world = JobWorld()
    var expiry = Expiry(.start, world.shared.parameters, seed: 1)
    #expect(world.advance(&expiry).changes.count(where: isExpiry) == 1)
    #expect(world.now.monotonic.since(.start) == world.shared.parameters.expiryInterval)
    expiry.handleCommit(world.now.monotonic, count: 1024, limit: 1024, &world.out)
    let next = expiry.nextDeadline
    #expect(next == world.now.monotonic + .seconds(1))
    expiry.handleCommit(world.now.monotonic, count: 3, limit: 1024, &world.out)
    #expect(expiry.nextDeadline == next)
  }

  @Test("a store that hangs is not asked again, and the job goes on when it has ended")
  func hangingStore() {
    var world = JobWorld { $0.pendingCommits = 1 }
    var expiry = Expiry(.start, world.shared.parameters, seed: 1)
    let commit = world.shared.commits.add(for: .nobody)
    #expect(world.advance(&expiry).isEmpty)
    _ = world.shared.commits.remove(commit)
    #expect(world.advance(&expiry).changes.count == 1)
  }

  @Test("a shorter interval brings the next batch forward")
  func interval() {
    var world = JobWorld()
    var expiry = Expiry(.start, world.shared.parameters, seed: 1)
    world.shared.parameters.expiryInterval = .seconds(5)
    expiry.parametersChanged(.start, world.shared)
    #expect(expiry.nextDeadline == .start + .seconds(5))
  }
}

@Suite("Refresh, alone") struct RefreshJobTests {
  @Test("a bucket that is not full of good contacts and saw no lookup is refreshed, within its range")
  func stale() {
    var world = JobWorld(contacts: peers(5, inBucket: 0) + peers(9, inBucket: 4) + peers(12, inBucket: 5))
    var refresh = Refresh(.start, world.shared.parameters, seed: 1)
    var lookups = world.advance(&refresh).lookups
    while refresh.nextDeadline.map({ $0 < .start + .seconds(1100) }) == true {
      lookups += world.advance(&refresh).lookups
      world.out = []
    }
    // Those that lookups end for go on with the next.
    for _ in 0..<4 { refresh.handleLookupEnd(world.shared, &world.out) }
    lookups += world.takeDirectives().lookups
    let buckets = lookups.map { world.shared.id.distance(to: $0.target).bucketIndex ?? -1 }
    #expect(buckets.contains(0))
    #expect(!buckets.contains(5), "it is full of good contacts")
  }

  @Test("a bucket that a lookup has just gone through is left alone")
  func fresh() {
    var world = JobWorld(contacts: peers(5, inBucket: 0))
    var refresh = Refresh(.start, world.shared.parameters, seed: 1)
    world.pass(.seconds(14 * 60))
    world.shared.table.touched(world.now.monotonic, buckets: 0...0)
    #expect(world.advance(&refresh).lookups.isEmpty)
  }

  @Test("buckets that are asked for are refreshed one after the other, each once")
  func queue() {
    let world = JobWorld()
    var refresh = Refresh(.start, world.shared.parameters, seed: 1)
    var out: [Directive] = []
    refresh.refresh(0..<3, world.shared, &out)
    refresh.refresh(0..<3, world.shared, &out)
    for _ in 0..<5 { refresh.handleLookupEnd(world.shared, &out) }
    let buckets = out.lookups.map { world.shared.id.distance(to: $0.target).bucketIndex ?? -1 }
    #expect(buckets == [0, 1, 0, 2] || buckets == [0, 1, 2] || buckets == [0, 1, 2, 0], "\(buckets)")
  }
}

@Suite("The partition probe, alone") struct PartitionProbeTests {
  private let lost = Peer(id: .starting(0x80), endpoint: .host(5))

  @Test("it pings a lost contact or a bootstrap address, one at a time, and nobody where there is none")
  func probes() {
    var world = JobWorld()
    var probe = PartitionProbe(.start, world.shared.parameters, seed: 3)
    #expect(world.advance(&probe).isEmpty)
    world.shared.bootstrapAddresses = [.host(9)]
    _ = world.tell(&probe, .removed(lost, hasFailed: true))
    var asked: [Endpoint] = []
    for _ in 0..<40 {
      let recipients = world.advance(&probe).recipients
      #expect(recipients.count == 1)
      asked += recipients
    }
    #expect(asked.contains(.host(9)) && asked.contains(.host(5)))
  }

  @Test("a contact that only yielded its address is not lost")
  func evicted() {
    var world = JobWorld()
    var probe = PartitionProbe(.start, world.shared.parameters, seed: 3)
    _ = world.tell(&probe, .removed(lost, hasFailed: false))
    #expect(probe.lostContacts.isEmpty)
  }

  @Test("a lost contact that is found is asked for its neighbours, and is lost no more")
  func found() {
    var world = JobWorld(contacts: peers(1, inBucket: 2))
    var probe = PartitionProbe(.start, world.shared.parameters, seed: 3)
    _ = world.tell(&probe, .removed(lost, hasFailed: true))
    #expect(world.tell(&probe, .added(lost, isFirst: false, owner: .liveness)).recipients == [.host(5)])
    #expect(probe.lostContacts.isEmpty)
    // Its own ID is looked up where it is the first contact: that finds its neighbours anyway.
    _ = world.tell(&probe, .removed(lost, hasFailed: true))
    #expect(world.tell(&probe, .added(lost, isFirst: true, owner: .liveness)).isEmpty)
  }

  @Test("neighbours that nobody here knows of are another part of the network; lost ones are not")
  func merge() {
    var world = JobWorld(contacts: [lost])
    var probe = PartitionProbe(.start, world.shared.parameters, seed: 3)
    let stranger = Peer(id: .starting(1), endpoint: .host(7))
    let owner = QueryOwner.partitionProbe(.neighbours)
    let known = world.tell(
      &probe, .answered(by: lost, nodes: [lost]), of: .neighbours, to: lost, owner: owner)
    #expect(known.isEmpty)
    let met = world.tell(
      &probe, .answered(by: lost, nodes: [stranger]), of: .neighbours, to: lost, owner: owner)
    #expect(met.notices == [.merging(with: lost)])
    #expect(met.contains { if case .lookUpSelf = $0 { true } else { false } })
    _ = world.tell(&probe, .removed(stranger, hasFailed: true))
    let again = world.tell(
      &probe, .answered(by: lost, nodes: [stranger]), of: .neighbours, to: lost, owner: owner)
    #expect(again.isEmpty)
  }

  @Test("only so many contacts are remembered as lost, the latest")
  func bound() {
    var world = JobWorld { $0.lostContacts = 3 }
    var probe = PartitionProbe(.start, world.shared.parameters, seed: 3)
    let many = peers(10, inBucket: 0)
    for peer in many { _ = world.tell(&probe, .removed(peer, hasFailed: true)) }
    #expect(probe.lostContacts == Array(many.suffix(3)))
    world.shared.parameters.lostContacts = 1
    probe.parametersChanged(.start, world.shared)
    #expect(probe.lostContacts == Array(many.suffix(1)))
  }
}

@Suite("Liveness, alone") struct LivenessTests {
  @Test("the stalest contact is pinged, and nobody while all have just been heard")
  func stalest() {
    let contacts = peers(20, inBucket: 0)
    var world = JobWorld(contacts: contacts)
    var liveness = Liveness(.start, world.shared.parameters, seed: 2)
    world.pass(.seconds(28))
    for contact in contacts.dropFirst() { world.add(contact) }
    #expect(world.advance(&liveness).recipients == [contacts[0].endpoint])
    world.add(contacts[0])
    for contact in contacts { world.add(contact) }
    world.pass(.seconds(1))
    #expect(liveness.nextDeadline.map { $0 > world.now.monotonic } == true)
  }

  @Test("contacts in doubt are pinged before all others, and again soon")
  func markQuestionable() {
    let contacts = peers(20, inBucket: 0)
    var world = JobWorld(contacts: contacts)
    var liveness = Liveness(.start, world.shared.parameters, seed: 2)
    _ = world.shared.table.markQuestionable(contacts[3].id)
    liveness.handleUnresponsive(.start, world.shared)
    let first = liveness.nextDeadline
    #expect(first == .start + world.shared.parameters.livenessIntervalInDoubt)
    #expect(world.advance(&liveness).recipients == [contacts[3].endpoint])
    let next = liveness.nextDeadline
    #expect(next.map { $0 < .start + .seconds(13) } == true)
  }

  @Test("the neighbours are pinged when they have been quiet for long, others are not")
  func neighbours() {
    let far = peers(20, inBucket: 0)
    let near = peers(3, inBucket: 7)
    var world = JobWorld(contacts: far + near)
    var liveness = Liveness(.start, world.shared.parameters, seed: 2)
    world.pass(.seconds(179))
    for contact in far { world.add(contact) }
    world.pass(.seconds(2))
    #expect(Set(world.advance(&liveness).recipients) == Set(near.map(\.endpoint)))
  }

  @Test("a questionable contact that sends a query is pinged at the address that is known")
  func query() throws {
    let contacts = peers(2, inBucket: 0)
    var world = JobWorld(contacts: contacts)
    var liveness = Liveness(.start, world.shared.parameters, seed: 2)
    var out: [Directive] = []
    for isQuestionable in [false, true] {
      if isQuestionable { _ = world.shared.table.markQuestionable(contacts[0].id) }
      #expect(out.isEmpty)
      let table = world.shared.table
      liveness.handleQuery(of: try #require(table.contact(contacts[0].id)), &out)
    }
    #expect(out.recipients == [contacts[0].endpoint])
  }
}

@Suite("Verification, alone") struct VerificationTests {
  @Test("a sender is pinged once within the RPC timeout, and only so many at once")
  func budget() {
    let world = JobWorld { $0.verifications = 2 }
    var verification = Verification()
    let ids = peers(4, inBucket: 0).map(\.id)
    #expect(verification.tryPing(.start, ids[0], world.shared) == true)
    #expect(verification.tryPing(.start, ids[0], world.shared) == false)
    #expect(verification.tryPing(.start, ids[1], world.shared) == true)
    #expect(verification.tryPing(.start, ids[2], world.shared) == false)
    #expect(verification.tryPing(.start + .seconds(5), ids[2], world.shared) == true)
  }

  @Test("a ping that is answered or late makes room for another", arguments: [true, false])
  func room(_ isAnswered: Bool) {
    var world = JobWorld { $0.verifications = 1 }
    var verification = Verification()
    let senders = peers(2, inBucket: 0)
    #expect(verification.tryPing(.start, senders[0].id, world.shared) == true)
    #expect(verification.tryPing(.start, senders[1].id, world.shared) == false)
    _ = world.tell(
      &verification, isAnswered ? .answered(by: senders[0]) : .late, of: (), to: senders[0],
      owner: .verification)
    #expect(verification.tryPing(.start, senders[1].id, world.shared) == true)
  }

  @Test("a sender for whom there is no use is not pinged, unless its address has to be proven")
  func use() {
    var world = JobWorld(contacts: peers(8, inBucket: 5) + peers(8, inBucket: 5, from: 20))
    var verification = Verification()
    // The bucket is full, and as many wait.
    let sender = peers(1, inBucket: 5, from: 60)[0]
    verification.handleQuery(of: sender, isProofWanted: false, world.shared, &world.out)
    #expect(world.takeDirectives().isEmpty)
    verification.handleQuery(of: sender, isProofWanted: true, world.shared, &world.out)
    #expect(world.takeDirectives().recipients == [sender.endpoint])
  }
}

@Suite("Proofs of identity, alone") struct IdentityProofsJobTests {
  @Test("a node that enters the table is asked for a proof, unless the query that it answered asked")
  func newContact() throws {
    let key = try #require(SigningKey(seed: [UInt8](repeating: 3, count: SigningKey.seedByteCount)))
    var world = JobWorld(key: key)
    var proofs = IdentityProofs(bound: [.host(0)])
    let peer = peers(1, inBucket: 0)[0]
    for owner in [QueryOwner.liveness, .verification, .join(.bootstrap)] {
      let met = world.tell(&proofs, .added(peer, isFirst: false, owner: owner, wasAskedForProof: false))
      #expect(met.recipients == [peer.endpoint])
      let proven = world.tell(&proofs, .added(peer, isFirst: false, owner: owner, wasAskedForProof: true))
      #expect(proven.isEmpty)
    }
  }
}
