import Kademlia
import NodeTime
import SeededRandom

/// What happens to datagrams on their way.
package struct LinkConditions: Sendable {
  /// The one-way delay of a link lies in this range, and is always the same for the same two nodes;
  /// unless the network has a delay model, which then says.
  package var delay: ClosedRange<Duration> = .milliseconds(5)...(.milliseconds(40))
  /// Up to this much is added to each datagram by itself, so that datagrams overtake each other.
  package var jitter: Duration = .milliseconds(2)
  /// How likely a datagram is lost, 0 to 1.
  package var loss = 0.0
  /// How likely a datagram arrives twice, 0 to 1.
  package var duplication = 0.0

  package init() {}

  /// How long one datagram takes between two nodes.
  func delay(
    from source: Int, to destination: Int, seed: UInt64, using random: inout SplitMix64
  ) -> Duration {
    let extra = jitter > .zero ? Int64.random(in: 0...jitter.nanoseconds, using: &random) : 0
    return base(source, destination, seed: seed) + .nanoseconds(extra)
  }

  private func base(_ source: Int, _ destination: Int, seed: UInt64) -> Duration {
    let lowest = delay.lowerBound.nanoseconds
    let spread = delay.upperBound.nanoseconds - lowest
    // The two directions of a link take equally long.
    let link = UInt64(min(source, destination)) << 32 | UInt64(max(source, destination))
    let share = SplitMix64.mix(seed ^ SplitMix64.mix(link)) % UInt64(spread + 1)
    return .nanoseconds(lowest + Int64(share))
  }

  /// There and back, without what jitter adds.
  func roundTrip(between one: Int, and other: Int, seed: UInt64) -> Duration {
    base(one, other, seed: seed) * 2
  }
}
