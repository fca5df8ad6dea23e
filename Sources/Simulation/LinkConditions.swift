import Kademlia
import NodeTime
import SeededRandom

/// The conditions of the links between hosts.
package struct LinkConditions: Sendable {
  /// The range of one-way delays. The delay between two nodes is always the same. A delay model of the
  /// network replaces it.
  package var delay: ClosedRange<Duration> = .milliseconds(5)...(.milliseconds(40))
  /// The greatest extra delay of a datagram, so that datagrams overtake each other.
  package var jitter: Duration = .milliseconds(2)
  /// The probability that a datagram is lost, 0 to 1.
  package var loss = 0.0
  /// The probability that a datagram arrives twice, 0 to 1.
  package var duplication = 0.0

  package init() {}

  /// The one-way delay of a datagram between two nodes.
  func delay(
    from source: Int, to destination: Int, seed: UInt64, using random: inout SplitMix64
  ) -> Duration {
    let extra = jitter > .zero ? Int64.random(in: 0...jitter.nanoseconds, using: &random) : 0
    return base(source, destination, seed: seed) + .nanoseconds(extra)
  }

  private func base(_ source: Int, _ destination: Int, seed: UInt64) -> Duration {
    let lowest = delay.lowerBound.nanoseconds
    let spread = delay.upperBound.nanoseconds - lowest
    // Both directions of a link have the same delay.
    let link = (UInt64(min(source, destination)) << 32) | UInt64(max(source, destination))
    let share = SplitMix64.mix(seed ^ SplitMix64.mix(link)) % UInt64(spread + 1)
    return .nanoseconds(lowest + Int64(share))
  }

  /// The round trip without jitter.
  func roundTrip(between one: Int, and other: Int, seed: UInt64) -> Duration {
    base(one, other, seed: seed) * 2
  }
}
