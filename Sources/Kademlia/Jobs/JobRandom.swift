import NodeTime
import SeededRandom

/// The random numbers of one job.
///
/// Each job draws from a stream of its own, so that what one job draws does not depend on whether another
/// has acted before it. The streams come from one seed of the node. They are not for secrets: transaction
/// numbers and nonces come from the node's own source.
struct JobRandom: RandomNumberGenerator, Sendable {
  /// The job that draws. A raw value stays with its job, so that a new job leaves all other streams alone.
  enum Stream: UInt64, Sendable {
    case expiry = 1
    case refresh = 2
    case partitionProbe = 3
    case liveness = 4
    case replication = 5
    case reads = 6
  }

  private var generator: SplitMix64

  /// - Parameter seed: 64 bits of the node, the same for all its streams.
  init(seed: UInt64, _ stream: Stream) {
    generator = SplitMix64(seed: SplitMix64.mix(seed &+ stream.rawValue &* 0xD6E8_FEB8_6659_FD93))
  }

  /// The next 64 bits.
  mutating func next() -> UInt64 { generator.next() }

  /// The duration, a tenth longer or shorter at most, so that nodes started together do not act together
  /// forever.
  mutating func jittered(_ interval: Duration) -> Duration {
    let tenth = interval.nanoseconds / 10
    return interval + .nanoseconds(Int64.random(in: -tenth...tenth, using: &self))
  }
}
