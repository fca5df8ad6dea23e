import Kademlia
import SeededRandom
import Testing

@testable import KRPC

@Suite("nodes on the wire")
struct NodesTests {
  private let node = "mnopqrstuvwxyz123456"

  /// An answer with these bytes as `nodes` and as `nodes6`.
  private func answer(nodes: [UInt8] = [], nodes6: [UInt8] = []) throws -> [Peer] {
    var datagram = Array("d1:rd2:id20:0123456789abcdefghij5:nodes\(nodes.count):".utf8)
    datagram += nodes + Array("6:nodes6\(nodes6.count):".utf8) + nodes6
    return try response(datagram + Array("e1:t2:aa1:y1:re".utf8)).nodes
  }

  @Test("a node without a port is left out")
  func portZero() throws {
    let good = Array(node.utf8) + [127, 0, 0, 1, 0x1F, 0x41]
    let bad = Array(node.utf8) + [127, 0, 0, 1, 0, 0]
    let peer = Peer(id: id(node), endpoint: Endpoint(.v4(0x7F00_0001), port: 8001))
    #expect(try answer(nodes: bad + good + bad) == [peer])
    #expect(try answer(nodes6: Array(node.utf8) + [UInt8](repeating: 1, count: 16) + [0, 0]).isEmpty)
  }

  @Test("an IPv4 address in IPv6 is an IPv4 address")
  func mapped() throws {
    let address = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127, 0, 0, 1, 0x1F, 0x41]
    let peer = Peer(id: id(node), endpoint: Endpoint(.v4(0x7F00_0001), port: 8001))
    #expect(try answer(nodes6: Array(node.utf8) + address) == [peer])
  }

  @Test("a field whose length is not a whole number of nodes is dropped, and the other one counts")
  func ragged() throws {
    let whole = [UInt8](repeating: 0x78, count: 26)
    let whole6 = [UInt8](repeating: 0x78, count: 38)
    for length in [1, 25, 27, 51, 53] {
      let peers = try answer(nodes: [UInt8](repeating: 0x78, count: length), nodes6: whole6)
      #expect(peers.map(\.endpoint.address.family) == [.v6])
    }
    for length in [1, 26, 37, 39, 75] {
      let peers = try answer(nodes: whole, nodes6: [UInt8](repeating: 0x78, count: length))
      #expect(peers.map(\.endpoint.address.family) == [.v4])
    }
    #expect(try response(responseText("5:nodesle")).nodes.isEmpty)
    #expect(try answer().isEmpty)
  }

  @Test("64 nodes of an answer are kept, both families together")
  func bounded() throws {
    let many = [UInt8](repeating: 0x78, count: 26 * 60)
    let more = [UInt8](repeating: 0x78, count: 38 * 60)
    let peers = try answer(nodes: many, nodes6: more)
    #expect(peers.count == KRPC.maxNodes)
    #expect(peers.filter { $0.endpoint.address.family == .v4 }.count == 60)
  }

  @Test("an answer that is too long drops nodes6 first, then nodes, and never its record")
  func dropped() throws {
    var source = SplitMix64(seed: 2)
    let nodes = [Peer].random(v4: 8, v6: 8, using: &source)
    let byFamily = (Array(nodes.prefix(8)), nodes)
    var seen = Set<Int>()
    for size in 1...1000 {
      let record = Record(
        plainKey: [1], value: source.bytes(size - 1), version: RecordVersion(seq: 1, expiry: 2))
      let whole = Response(
        sender: NodeID(random: &source), nodes: nodes, token: .random(using: &source),
        keepsPlainRecords: true, held: .record(record))
      let datagram = encoded(Message(transaction: ShortBytes(7), body: .response(whole)))
      #expect(datagram.count <= KRPC.maxDatagramSize)
      var read = try response(datagram)
      seen.insert(read.nodes.count)
      switch read.nodes.count {
      case 16:
        #expect(read.nodes == byFamily.1)
      case 8:
        #expect(read.nodes == byFamily.0)
        #expect(datagram.count + 8 + 4 + 8 * 38 > KRPC.maxDatagramSize)
      default:
        #expect(read.nodes == [])
        #expect(datagram.count + 7 + 4 + 8 * 26 > KRPC.maxDatagramSize)
      }
      read.nodes = nodes
      #expect(read == whole)
    }
    #expect(seen == [0, 8, 16])
  }

  @Test("nodes stay if dropping nodes6 is enough, whatever makes the answer long")
  func droppedWithoutRecord() throws {
    var source = SplitMix64(seed: 3)
    let nodes = [Peer].random(v4: 20, v6: 20, using: &source)
    let whole = Response(sender: NodeID(random: &source), nodes: nodes.reversed())
    let read = try response(encoded(Message(transaction: ShortBytes(7), body: .response(whole))))
    #expect(read.nodes == nodes.prefix(20).reversed())
  }
}
