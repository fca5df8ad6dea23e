import NodeTime
import Testing

@testable import Kademlia

@Suite("The second half of a put")
struct PlacementTests {
  private let peers = (1...3).map { Peer(id: .starting(UInt8($0)), endpoint: .host($0)) }

  /// A put to two replicas that have both been asked.
  private func storing() -> Placement {
    let placement = Placement(
      .plain(key: [1], value: [2], isTombstone: false), expiry: WallTime.epoch.seconds + 60, ifSeq: nil,
      draftSeq: 1)
    #expect(placement.begin(replicas: 2))
    for peer in peers.prefix(2) { placement.asked(peer) }
    return placement
  }

  @Test("a holder that confirms after another was asked in its place makes no third replica of two")
  func lateConfirmation() throws {
    let placement = storing()
    #expect(placement.fellSilent(peers[0].id))
    placement.asked(peers[2])
    placement.confirmed(peers[0].id)
    placement.confirmed(peers[1].id)
    #expect(placement.outcome == nil)
    placement.confirmed(peers[2].id)
    let outcome = try #require(placement.outcome)
    #expect(outcome.verdict == .stored)
    #expect(outcome.stored == 2)
    #expect(outcome.replicas == 2)
    #expect(outcome.failures.isEmpty)
  }

  @Test("a put waits for a silent holder as long as it could still make the majority")
  func silentHolder() throws {
    let placement = storing()
    #expect(placement.fellSilent(peers[0].id))
    placement.confirmed(peers[1].id)
    #expect(placement.outcome == nil)
    #expect(!placement.refused(peers[0].id, reason: .noToken))
    let outcome = try #require(placement.outcome)
    #expect(outcome.verdict == .quorumFailed)
    #expect(outcome.stored == 1)
    #expect(outcome.failures.map(\.peer) == [peers[0]])
  }
}
