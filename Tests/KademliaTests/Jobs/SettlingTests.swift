import NodeTime
import Simulation
import Testing

@testable import Kademlia

@Suite("The job that waits for hand-offs")
struct SettlingTests {
  private let contacts = (1...3).map { Peer(id: NodeID(sha1Of: [UInt8($0)]), endpoint: .host($0)) }

  /// A world in which the join has ended.
  private func joined() -> JobWorld {
    var world = JobWorld(contacts: contacts)
    world.shared.isJoined = true
    return world
  }

  @Test("a node that is not new plans nothing")
  func idle() {
    var world = joined()
    var settling = Settling()
    world.shared.isNew = false
    settling.handleJoin(world.now.monotonic, world.shared, &world.out)
    #expect(settling.nextDeadline == nil)
    let directives = world.advance(&settling)
    #expect(directives.isEmpty && settling.nextDeadline == nil)
  }

  @Test("each neighbour is asked until it has nothing left, with growing pauses")
  func rounds() {
    var world = joined()
    var settling = Settling()
    settling.handleJoin(world.now.monotonic, world.shared, &world.out)
    var directives = world.advance(&settling)
    #expect(directives.recipients == contacts.sorted { $0.id < $1.id }.map(\.endpoint))
    settling.handleAnswer(of: contacts[0].id, isHandedOver: true, world.shared, &world.out)
    // It does not know what a hand-off is.
    settling.handleAnswer(of: contacts[1].id, isHandedOver: nil, world.shared, &world.out)
    settling.handleAnswer(of: contacts[2].id, isHandedOver: false, world.shared, &world.out)
    #expect(world.takeDirectives().isEmpty)
    let before = world.now.monotonic
    directives = world.advance(&settling)
    #expect(directives.recipients == [contacts[2].endpoint])
    let first = world.now.monotonic.since(before)
    _ = world.advance(&settling)
    #expect(world.now.monotonic.since(before) - first > first)
    settling.handleAnswer(of: contacts[2].id, isHandedOver: true, world.shared, &world.out)
    #expect(world.takeDirectives().areSettled)
    #expect(settling.nextDeadline == nil)
  }

  @Test("a neighbour that leaves is not waited for, and one that never has done is for ten minutes")
  func leaving() {
    for isLeaving in [true, false] {
      var world = joined()
      var settling = Settling()
      settling.handleJoin(world.now.monotonic, world.shared, &world.out)
      for contact in contacts.dropFirst() {
        settling.handleAnswer(of: contact.id, isHandedOver: true, world.shared, &world.out)
      }
      #expect(world.takeDirectives().isEmpty)
      if isLeaving {
        _ = world.shared.table.remove(contacts[0].id)
        #expect(world.tell(&settling, .removed(contacts[0], hasFailed: true)).areSettled)
      } else {
        let began = world.now.monotonic
        var directives = world.advance(&settling)
        while !directives.areSettled, world.now.monotonic.since(began) < .seconds(3600) {
          directives = world.advance(&settling)
        }
        let time = world.now.monotonic.since(began)
        #expect((Duration.seconds(600)...(.seconds(640))).contains(time))
      }
    }
  }

  @Test("a network of one is settled at once, and a node that is alone once it has met others")
  func alone() {
    var world = JobWorld()
    world.shared.isJoined = true
    var settling = Settling()
    settling.handleJoin(world.now.monotonic, world.shared, &world.out)
    #expect(world.takeDirectives().areSettled)
    world.shared.standing = .alone
    settling = Settling()
    settling.handleJoin(world.now.monotonic, world.shared, &world.out)
    #expect(world.takeDirectives().isEmpty && settling.nextDeadline == nil)
    world.add(contacts[0])
    let added = RoutingChange.added(contacts[0], isFirst: true, owner: .rejoin, wasAskedForProof: false)
    #expect(world.tell(&settling, added).isEmpty)
    #expect(world.advance(&settling).recipients.count == 1)
  }
}

extension [Directive] {
  /// True if the node is settled by one of these.
  fileprivate var areSettled: Bool { contains { if case .settled = $0 { true } else { false } } }
}
