import NodeTime
import Sealing
import SeededRandom

extension WallTime {
  static let start = WallTime(seconds: 1_800_000_000)
}

extension Now {
  static let start = Now(monotonic: Instant(nanoseconds: 5_000_000_000), wall: .start)

  /// The same moment so much later, on both clocks.
  func after(_ duration: Duration) -> Now {
    Now(
      monotonic: monotonic + duration,
      wall: WallTime(microseconds: wall.microseconds + duration.nanoseconds / 1_000))
  }
}

extension NetworkKey {
  /// A key by number. Different numbers give different keys.
  static func number(_ number: UInt64) -> NetworkKey {
    var random = SplitMix64(seed: number &+ 1_000)
    return NetworkKey(random: &random)
  }
}

extension Keyring {
  static func of(_ numbers: UInt64..., network: String = "test") throws -> Keyring {
    try Keyring(network: network, keys: numbers.map(NetworkKey.number))
  }
}

/// A node that seals.
struct Sending {
  var sealer: Sealer
  private var random: SplitMix64

  init(_ keyring: Keyring, seed: UInt64 = 1) {
    random = SplitMix64(seed: seed)
    sealer = Sealer(keyring, random: &random)
  }

  mutating func seal(_ message: String, at now: Now = .start) -> [UInt8] {
    var datagram: [UInt8] = []
    sealer.seal(now.wall, appendingTo: &datagram, random: &random) { $0 += Array(message.utf8) }
    return datagram
  }
}

extension Opener {
  /// The message of a datagram; nil if it is dropped.
  mutating func open(_ datagram: [UInt8], at now: Now = .start) -> String? {
    var message: [UInt8] = []
    return open(now, datagram.span.bytes, into: &message) ? String(decoding: message, as: UTF8.self) : nil
  }
}
