import NodeTime

/// The time that a peer takes to answer: a smoothed mean and its variation, as TCP keeps them (RFC 6298).
package struct RoundTrip: Hashable, Sendable {
  /// The smoothed round trip and its mean deviation, in nanoseconds; nil before the first sample.
  private var estimate: (smoothed: Int64, variation: Int64)?

  package init() {}

  /// The smoothed round trip; nil before the first sample.
  package var smoothed: Duration? {
    estimate.map { .nanoseconds($0.smoothed) }
  }

  /// Adds one round trip. It is measured from the first transmission of its query, so that a lost datagram
  /// can only raise the estimate.
  package mutating func sample(_ duration: Duration) {
    let sample = max(0, duration.nanoseconds)
    guard let (smoothed, variation) = estimate else {
      estimate = (sample, sample / 2)
      return
    }
    estimate = (
      smoothed + (sample - smoothed) / 8,
      variation + (abs(sample - smoothed) - variation) / 4
    )
  }

  /// The time after which an answer is late: SRTT + 4 RTTVAR; nil before the first sample.
  package var softTimeout: Duration? {
    estimate.map { .nanoseconds($0.smoothed + 4 * $0.variation) }
  }

  package static func == (left: RoundTrip, right: RoundTrip) -> Bool {
    left.estimate?.smoothed == right.estimate?.smoothed
      && left.estimate?.variation == right.estimate?.variation
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(estimate?.smoothed)
    hasher.combine(estimate?.variation)
  }
}
