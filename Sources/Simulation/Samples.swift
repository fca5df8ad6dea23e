/// Measured numbers and their statistics.
package struct Samples: Sendable {
  /// The numbers in ascending order.
  package let sorted: [Double]

  package init(_ values: [Double]) {
    sorted = values.sorted()
  }

  /// The count of the numbers.
  package var count: Int { sorted.count }

  /// The value that a share of the numbers does not exceed (nearest rank); nil if there are none.
  package func percentile(_ share: Double) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let rank = Int((share * Double(sorted.count)).rounded(.up)) - 1
    return sorted[min(max(rank, 0), sorted.count - 1)]
  }

  /// The mean; nil if there are none.
  package var mean: Double? {
    sorted.isEmpty ? nil : sorted.reduce(0, +) / Double(sorted.count)
  }
}
