import Kademlia
import NodeTime
import Sealing
import SeededRandom
import Simulation

extension Case {
  /// Sealed messages, as long as a query and an answer with eight nodes and a record.
  static let sealing = [
    seal(bytes: 90, units: 0.24), seal(bytes: 450, units: 0.28), open(bytes: 90, units: 0.53),
    open(bytes: 450, units: 0.6), dropReplay(units: 0.058),
  ]

  private static func seal(bytes: Int, units: Double) -> Case {
    Case("Sealing: seal \(bytes) bytes", units: units, allocations: 0) {
      var world = try SealedWorld(bytes: bytes)
      return { times in
        for _ in 0..<times { world.seal() }
        keep(world.datagram)
      }
    }
  }

  /// Opening needs a datagram that has not come before: the time to seal it is part of this.
  private static func open(bytes: Int, units: Double) -> Case {
    Case("Sealing: seal and open \(bytes) bytes", units: units, allocations: 0) {
      var world = try SealedWorld(bytes: bytes)
      world.seal()
      guard world.open() else { throw NotAsExpected("what was sealed was not opened") }
      return { times in
        for _ in 0..<times {
          world.seal()
          keep(world.open())
        }
      }
    }
  }

  private static func dropReplay(units: Double) -> Case {
    Case("Sealing: drop a replay", units: units, allocations: 0) {
      var world = try SealedWorld(bytes: 450)
      world.seal()
      guard world.open(), !world.open() else { throw NotAsExpected("a replay was opened") }
      return { times in
        for _ in 0..<times { keep(world.open()) }
      }
    }
  }
}

/// Two nodes of a private network.
private struct SealedWorld {
  private var random = SplitMix64(seed: 1)
  private var sealer: Sealer
  private var opener: Opener
  private let message: [UInt8]
  private var now = Now(monotonic: Instant(nanoseconds: 0), wall: .start)
  private(set) var datagram: [UInt8] = []
  private var opened: [UInt8] = []

  init(bytes: Int) throws {
    let keyring = try Keyring(network: Keyring.defaultNetwork, keys: [NetworkKey(random: &random)])
    sealer = Sealer(keyring, random: &random)
    opener = Opener(keyring)
    message = [UInt8](repeating: 0x64, count: bytes)
  }

  mutating func seal() {
    datagram.removeAll(keepingCapacity: true)
    now.wall.microseconds += 1
    let message = message
    sealer.seal(now.wall, appendingTo: &datagram, random: &random) { $0 += message }
  }

  mutating func open() -> Bool {
    let datagram = datagram
    return opener.open(now, datagram.span.bytes, into: &opened)
  }
}
