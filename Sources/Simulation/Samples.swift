/// Numbers that were measured, and what is said of them.
package struct Samples: Sendable {
  /// In ascending order.
  package let sorted: [Double]

  package init(_ values: [Double]) {
    sorted = values.sorted()
  }

  /// How many there are.
  package var count: Int { sorted.count }

  /// The value that a share of the others does not exceed (nearest rank); nil if there are none.
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
