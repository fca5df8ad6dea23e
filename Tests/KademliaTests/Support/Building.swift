import Kademlia
import NodeTime
import SeededRandom
import Simulation

/// What tests make their small worlds of.

extension Instant {
  static let start = Instant(nanoseconds: 1_000_000_000_000)
}

extension WallTime {
  static let epoch = WallTime(seconds: 1_800_000_000)
}

extension Now {
  static let start = Now(monotonic: .start, wall: .epoch)
}

extension Endpoint {
  /// 10.0.x.y:8001.
  static func host(_ number: Int) -> Endpoint { SimulatedHost.endpoint(of: number) }
  /// An address that no simulated host has.
  static func elsewhere(_ number: UInt32) -> Endpoint { Endpoint(.v4(0xC000_0200 + number), port: 9) }
}

extension NodeID {
  /// The ID whose first bytes are these and whose others are zero.
  static func starting(_ bytes: UInt8...) -> NodeID {
    var high: UInt64 = 0
    for (index, byte) in bytes.prefix(8).enumerated() { high |= UInt64(byte) << (56 - 8 * index) }
    return NodeID(high: high, middle: 0, low: 0)
  }

  static let zero = NodeID(high: 0, middle: 0, low: 0)

  var bytes: [UInt8] {
    (0..<20).map { index in
      let (word, offset) =
        index < 8 ? (high, index) : index < 16 ? (middle, index - 8) : (UInt64(low) << 32, index - 16)
      return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * offset))
    }
  }
}

extension Record {
  static func plain(
    _ key: String, _ value: String, seq: Int64, expiry: Int64 = WallTime.epoch.seconds + 3600
  ) -> Record {
    Record(
      plainKey: Array(key.utf8), value: Array(value.utf8),
      version: RecordVersion(seq: seq, expiry: expiry))
  }

  static func tombstone(
    _ key: String, seq: Int64, expiry: Int64 = WallTime.epoch.seconds + 3600
  ) -> Record {
    Record(
      plainKey: Array(key.utf8), value: [],
      version: RecordVersion(seq: seq, expiry: expiry, isTombstone: true))
  }
}

/// Random peers with addresses of their own.
func randomPeers(_ count: Int, using random: inout SplitMix64) -> [Peer] {
  (0..<count).map { Peer(id: NodeID(random: &random), endpoint: .host($0)) }
}

/// A box that an observer of a network may write to.
final class Log<Element> {
  var entries: [Element] = []
}
