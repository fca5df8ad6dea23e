import Crypto
import NodeTime
import SeededRandom

/// The random numbers of one job.
///
/// Each job draws from a stream of its own, so that its numbers do not depend on whether another job has
/// acted before it. All streams come from one seed of the node. They are not for secrets: transaction numbers
/// and nonces come from the node's own source.
struct JobRandom: RandomNumberGenerator, Sendable {
  /// The job that draws. Each job keeps its raw value, so that a new job leaves all other streams alone.
  enum Stream: UInt64, Sendable {
    case expiry = 1
    case refresh = 2
    case partitionProbe = 3
    case liveness = 4
    case replication = 5
    case reads = 6
  }

  private var generator: SplitMix64

  /// - Parameter seed: 64 bits of the node, the same for all its streams. Others can read some of a job's
  ///   numbers from its queries, and the numbers of a stream reveal its state. The hash keeps that state from
  ///   revealing the other streams.
  init(seed: UInt64, _ stream: Stream) {
    var hash = SHA256()
    // The closures keep no pointer, and the digest has 32 bytes, more than the 8 that are read.
    for word in [seed, stream.rawValue] {
      unsafe withUnsafeBytes(of: word.bigEndian) { unsafe hash.update(bufferPointer: $0) }
    }
    let state = unsafe hash.finalize().withUnsafeBytes { unsafe $0.loadUnaligned(as: UInt64.self).bigEndian }
    generator = SplitMix64(seed: state)
  }

  /// The next 64 bits.
  mutating func next() -> UInt64 { generator.next() }

  /// Makes a duration up to a tenth longer or shorter, so that nodes started together do not act together
  /// forever.
  mutating func jittered(_ interval: Duration) -> Duration {
    let tenth = interval.nanoseconds / 10
    return interval + .nanoseconds(Int64.random(in: -tenth...tenth, using: &self))
  }
}
