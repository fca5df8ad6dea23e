import Kademlia
import NodeTime
import SeededRandom
import Simulation

extension Instant {
  static let start = Instant(nanoseconds: 1_000_000_000_000)
}

extension WallTime {
  static let start = WallTime(seconds: 1_800_000_000)
}

extension Peer {
  /// A node with a random ID and an address of its own.
  static func random(_ number: Int, using random: inout SplitMix64) -> Peer {
    Peer(id: NodeID(random: &random), endpoint: SimulatedHost.endpoint(of: number))
  }
}

extension RoutingTable {
  /// The table of a node that has met others.
  init(local: NodeID, meeting peers: some Sequence<Peer>) {
    self.init(local: local, parameters: Parameters(), now: .start)
    for peer in peers { _ = answered(.start, peer, roundTrip: .milliseconds(1)) }
  }
}

extension Record {
  /// A record with a value of 100 bytes.
  static func sample(_ number: Int = 0, seq: Int64 = 1) -> Record {
    Record(
      plainKey: Array("user:\(1_000_000 + number)".utf8),
      value: Array(repeating: UInt8(ascii: "v"), count: 100), version: .sample(seq: seq))
  }

  /// Another version of it.
  func with(seq: Int64) -> Record {
    Record(trusted: binding, id: id, value: value, version: .sample(seq: seq))
  }
}

extension RecordVersion {
  /// A record that lives for another day.
  static func sample(seq: Int64) -> RecordVersion {
    RecordVersion(seq: seq, expiry: WallTime.start.seconds + 86_400)
  }
}

/// A thousand nodes that know each other as those of a network that has grown, and what each says to one
/// key.
final class BenchmarkWorld {
  /// A target, with the eight nodes that should hold its record.
  let record = Record.sample(seq: WallTime.start.microseconds)
  let peers: [Peer]
  /// The node that asks.
  let local = NodeID(high: 0x1234_5678_9ABC_DEF0, middle: 1, low: 1)
  private let holders: Set<NodeID>
  private var answers: [Response?]

  init() {
    var random = SplitMix64(seed: 7)
    let target = record.target
    peers = (0..<1000).map { Peer.random($0, using: &random) }
    holders = Set(
      peers.map(\.id).sorted { target.distance(to: $0) < target.distance(to: $1) }.prefix(8))
    answers = Array(repeating: nil, count: peers.count)
  }

  /// The answer of a node to a GET, made once so that making it is not measured.
  func answer(of endpoint: Endpoint) -> Response? {
    guard let index = SimulatedHost.index(of: endpoint), peers.indices.contains(index) else { return nil }
    if let answer = answers[index] { return answer }
    let id = peers[index].id
    let table = RoutingTable(local: id, meeting: peers.lazy.filter { $0.id != id })
    let answer = Response(
      sender: id,
      nodes: table.peers(
        closestTo: record.target, count: 8, for: local, at: Endpoint(.v4(0x0A00_0001), port: 9), in: .v4),
      token: ShortBytes("a token!".utf8), keepsPlainRecords: true,
      held: holders.contains(id) ? .record(record) : nil)
    answers[index] = answer
    return answer
  }
}
