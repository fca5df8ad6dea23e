import Glibc

/// The system's random numbers, fetched in batches. Every query draws one, and a system call for each would
/// be a large part of a query's cost. No number is returned twice.
struct BufferedRandom: RandomNumberGenerator, Sendable {
  /// The most numbers that one call of getentropy(3) gives.
  private static let batch = 32

  private var numbers: [UInt64] = []

  mutating func next() -> UInt64 {
    if let number = numbers.popLast() { return number }
    numbers = [UInt64](repeating: 0, count: Self.batch)
    // getentropy(3) fills exactly the array, and any bits are valid integers.
    let isFilled = unsafe numbers.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress, $0.count) } == 0
    guard isFilled, let number = numbers.popLast() else {
      numbers = []
      var system = SystemRandomNumberGenerator()
      return system.next()
    }
    return number
  }
}
