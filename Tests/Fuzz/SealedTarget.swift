import Kademlia
import NodeTime
import SeededRandom

@testable import Sealing

/// A node that opens what others seal, while somebody between them changes, repeats, delays and drops it, and
/// while keys rotate and clocks run apart. What is opened was sealed with a key of the ring, and is opened
/// once.
func fuzzSealing(_ input: UnsafeRawBufferPointer) {
  var reader = InputReader(input)
  guard var world = FuzzedSealing() else { fatalError("there are no keyrings") }
  for _ in 0..<64 where !reader.isEmpty { world.step(&reader) }
  // Earlier datagrams are not replayed, and delayed ones may arrive now.
  world.openEverything()
  world.openEverything()
}

private struct FuzzedSealing {
  private struct Sealed {
    let message: [UInt8]
    let key: NetworkKey
    let network: String
    var isOpened = false
  }

  private static let start: WallTime = WallTime(seconds: 1_800_000_000)
  private static let sessions = 3

  private let keys: [NetworkKey]
  /// The senders: two whose messages may be decrypted, one in a network with another name, and one with
  /// another key.
  private var sealers: [(sealer: Sealer, ring: Keyring)]
  private var ring: Keyring
  private var opener: Opener
  private var random = SplitMix64(seed: 5)
  private var now = Now(monotonic: Instant(nanoseconds: 1_000_000_000), wall: start)
  /// The clock of the senders, relative to that of the receiver.
  private var lead: Int64 = 0
  private var sent: [[UInt8]: Sealed] = [:]
  private var datagrams: [[UInt8]] = []
  private var tried: Int64 = 0

  init?() {
    var random = SplitMix64(seed: 4)
    keys = (0..<4).map { _ in NetworkKey(random: &random) }
    guard let ring = try? Keyring(network: "ours", keys: Array(keys[0..<2])),
      let second = try? Keyring(network: "ours", keys: [keys[1]]),
      let named = try? Keyring(network: "theirs", keys: [keys[0]]),
      let foreign = try? Keyring(network: "ours", keys: [keys[3]])
    else { return nil }
    self.ring = ring
    sealers = [ring, ring, second, second, named, foreign].map {
      (Sealer($0, random: &random), $0)
    }
    opener = Opener(ring, maxSessions: Self.sessions)
  }

  mutating func step(_ reader: inout InputReader) {
    switch reader.below(9) {
    case 0, 1: open(seal(&reader))
    case 2: _ = seal(&reader)
    case 3: if let known = choose(&reader) { open(known) }
    case 4: openChanged(&reader)
    case 5: open(reader.string())
    case 6: pass(&reader)
    case 7: rotate(&reader)
    default: lead = Int64(Int8(bitPattern: reader.byte())) * 10_000_000
    }
    require(opener.sessions <= Self.sessions, "\(opener.sessions) sessions are known")
    require(opener.counts.opened + opener.counts.dropped == tried, "a datagram is not counted")
  }

  mutating func openEverything() {
    for datagram in datagrams { open(datagram) }
  }

  private mutating func choose(_ reader: inout InputReader) -> [UInt8]? {
    let index = Int(reader.byte())
    return datagrams.isEmpty ? nil : datagrams[index % datagrams.count]
  }

  private mutating func seal(_ reader: inout InputReader) -> [UInt8] {
    let index = reader.below(sealers.count)
    let message = reader.string()
    var datagram: [UInt8] = []
    let time = WallTime(microseconds: now.wall.microseconds + lead)
    sealers[index].sealer.seal(time, appendingTo: &datagram, random: &random) { $0 += message }
    require(datagram.count == message.count + SealedEnvelope.overhead, "sealing adds another number of bytes")
    require(sent[datagram] == nil, "one counter was used twice")
    let ring = sealers[index].ring
    sent[datagram] = Sealed(message: message, key: ring.sealing, network: ring.network)
    datagrams.append(datagram)
    return datagram
  }

  private mutating func openChanged(_ reader: inout InputReader) {
    guard var datagram = choose(&reader), !datagram.isEmpty else { return }
    switch reader.below(3) {
    case 0: datagram[Int(reader.byte()) % datagram.count] ^= max(1, reader.byte())
    case 1: datagram.removeLast(Int(reader.byte()) % datagram.count)
    default: datagram += reader.string()
    }
    open(datagram)
  }

  /// Decrypted messages are exactly the encrypted ones.
  private mutating func open(_ datagram: [UInt8]) {
    tried += 1
    let before: [UInt8] = [1, 2, 3]
    var message = before
    let isOpened = opener.open(now, datagram.span.bytes, into: &message)
    guard isOpened else {
      return require(message.isEmpty || message == before, "a datagram that does not open left something")
    }
    guard let sealed = sent[datagram] else { fatalError("something opens that nobody sealed") }
    require(message == sealed.message, "another message comes out")
    require(!sealed.isOpened, "a datagram is opened twice")
    require(ring.keys.contains(sealed.key) && ring.network == sealed.network, "a foreign key opens")
    sent[datagram]?.isOpened = true
  }

  private mutating func pass(_ reader: inout InputReader) {
    let seconds = Int64(reader.byte())
    now.monotonic = now.monotonic + .seconds(seconds)
    // The wall clock may be set back.
    now.wall.microseconds += (reader.below(4) == 0 ? -seconds : seconds) * 10_000_000
  }

  private mutating func rotate(_ reader: inout InputReader) {
    let numbers = reader.byte()
    let kept = (0..<3).filter { numbers >> $0 & 1 == 1 }.map { keys[$0] }
    guard let other = try? Keyring(network: "ours", keys: kept) else { return }
    if numbers & 0x80 == 0 {
      ring = other
      opener.adopt(other)
    } else {
      let index = reader.below(4)
      sealers[index].sealer.adopt(other)
      sealers[index].ring = other
    }
  }
}
