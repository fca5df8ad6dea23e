import NodeTime
import Testing

@testable import Kademlia

@Suite("The nodes that a node reaches")
struct ReachTests {
  private let limits = Parameters().subnetLimits

  private func peer(_ number: Int, at endpoint: Endpoint) -> Peer {
    Peer(id: NodeID(sha1Of: Array("\(number)".utf8)), endpoint: endpoint)
  }

  @Test("a node that loses most of its contacts is cut off until most of them answer, or for a day")
  func majority() {
    var reach = Reach()
    for number in 0..<6 { reach.fellSilent(.start, peer(number, at: .host(number)), limits) }
    // 6 of 11 with itself.
    #expect(reach.standing(reached: 4, isConfigured: false) == .cutOff)
    #expect(reach.standing(reached: 6, isConfigured: false) == .connected)
    reach.expire(.start + .seconds(3600), reached: 4)
    #expect(reach.standing(reached: 4, isConfigured: false) == .cutOff)
    reach.remove(peer(0, at: .host(0)).id)
    #expect(reach.standing(reached: 5, isConfigured: false) == .connected)
    reach.fellSilent(.start, peer(0, at: .host(0)), limits)
    reach.expire(.start + .seconds(86_400), reached: 4)
    #expect(reach.standing(reached: 4, isConfigured: false) == .connected)
  }

  @Test("nodes that fall silent while most others answer stop counting after ten minutes")
  func few() {
    var reach = Reach()
    for number in 0..<3 { reach.fellSilent(.start, peer(number, at: .host(number)), limits) }
    reach.expire(.start + .seconds(601), reached: 10)
    #expect(reach.standing(reached: 2, isConfigured: false) == .connected)
  }

  @Test("nodes that had fallen silent before the start count as before, although they are among the contacts")
  func silentBefore() {
    let silent = (0..<4).map { SilentNode(peer($0, at: .host($0)), for: .seconds(60)) }
    var reach = Reach()
    reach.remember(.start, silent, limits)
    reach.remember(.start, (0..<6).map { SilentNode(peer($0, at: .host($0)), for: .zero) }, limits)
    for number in 4..<6 { reach.remove(peer(number, at: .host(number)).id) }
    #expect(reach.standing(reached: 2, isConfigured: false) == .cutOff)
    #expect(reach.nodes(.start) == silent.sorted { $0.peer.id < $1.peer.id })
  }

  @Test("many nodes of one public subnet that fall silent do not cut a node off")
  func oneSubnet() {
    var reach = Reach()
    for number in 0..<200 { reach.fellSilent(.start, peer(number, at: .public(9, UInt32(number))), limits) }
    #expect(reach.standing(reached: 10, isConfigured: false) == .connected)
  }

  @Test("a node that knew others before it started is alone for a day, and one that knew none is a network")
  func remembered() {
    var reach = Reach()
    #expect(reach.standing(reached: 0, isConfigured: false) == .onlyNode)
    #expect(reach.standing(reached: 0, isConfigured: true) == .alone)
    reach.remember(.start, [SilentNode(peer(1, at: .host(1)), for: .zero)], limits)
    reach.expire(.start + .seconds(3600), reached: 0)
    #expect(reach.standing(reached: 0, isConfigured: false) == .alone)
    // With another one it would be two of three.
    #expect(reach.standing(reached: 1, isConfigured: false) == .connected)
    reach.expire(.start + .seconds(86_400), reached: 0)
    #expect(reach.standing(reached: 0, isConfigured: false) == .onlyNode)
  }
}
