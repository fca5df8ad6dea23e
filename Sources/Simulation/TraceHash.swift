import Kademlia
import NodeTime
import SeededRandom

/// A fingerprint of a run, which is the same for runs with the same seed. It does not use the standard
/// library's hash, which differs from process to process.
///
/// Events at the same instant are combined independently of their order, so that the fingerprint does not
/// depend on the order in which a node requests several effects in one step.
package struct TraceHash: Hashable, Sendable {
  private var past: UInt64 = 0xCBF2_9CE4_8422_2325
  /// The current instant, and the sum of the digests at it.
  private var instant = Instant(nanoseconds: 0)
  private var sum: UInt64 = 0

  /// The hash so far.
  package var value: UInt64 {
    Digest.combine(Digest.combine(past, UInt64(bitPattern: instant.nanoseconds)), sum)
  }

  /// Adds an event at a host.
  ///
  /// - Parameter time: no earlier than that of the previous event.
  mutating func add(_ time: Instant, host: Int, _ digest: UInt64) {
    if time != instant {
      past = value
      instant = time
      sum = 0
    }
    sum &+= Digest.combine(UInt64(host), digest)
  }
}

/// A hash of a message's content, without its transaction number, which is random.
struct Digest {
  private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  static func combine(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    SplitMix64.mix(hash ^ word) &+ 0x9E37_79B9_7F4A_7C15
  }

  init(_ message: Message) {
    switch message.body {
    case .query(let query):
      add(1)
      add(query.sender.high)
      add(query.method)
    case .response(let response):
      add(2)
      add(response.sender.high)
      for node in response.nodes { add(node.id.high) }
      if let held = response.held { add(held) }
      if let seq = response.storedSeq { add(UInt64(bitPattern: seq)) }
    case .error(let error):
      add(3)
      add(UInt64(bitPattern: Int64(error.code)))
    }
  }

  private mutating func add(_ word: UInt64) { value = Self.combine(value, word) }

  private mutating func add(_ held: HeldRecord) {
    add(UInt64(bitPattern: held.version.seq))
    guard case .record(let record) = held else { return }
    // FNV-1a, because most values have few bytes.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in record.value { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    add(hash)
  }

  private mutating func add(_ method: Query.Method) {
    switch method {
    case .ping: add(4)
    case .findNode(let target):
      add(5)
      add(target.high)
    case .get(let target, _, let seq):
      add(6)
      add(target.high)
      add(UInt64(bitPattern: seq ?? -1))
    case .put(let record, _, let cas):
      add(7)
      add(record.target.high)
      add(.record(record))
      add(UInt64(bitPattern: record.version.expiry))
      add(UInt64(bitPattern: cas ?? -1))
    }
  }
}
