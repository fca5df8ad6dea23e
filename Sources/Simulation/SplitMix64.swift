import Glibc

/// A small seeded source of randomness (Steele, Lea and Flood 2014): the same seed gives the same
/// numbers on every machine and in every process. Not for secrets.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// Scatters a number over 64 bits: neighbours have nothing in common afterwards.
  package static func mix(_ number: UInt64) -> UInt64 {
    var word = number
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }

  /// A number that is less than `probability` that often.
  package mutating func chance(_ probability: Double) -> Bool {
    // No draw where nothing can happen: a network without loss is not slowed by it.
    probability > 0 && Double.random(in: 0..<1, using: &self) < probability
  }

  /// A number from 0 up to 1.
  package mutating func unit() -> Double { Double.random(in: 0..<1, using: &self) }

  /// A number from the normal distribution with mean 0 and deviation 1 (Box and Muller 1958).
  package mutating func normal() -> Double {
    // Never the logarithm of 0.
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * Double.pi * unit())
  }

  /// A waiting time of a Poisson process, as a multiple of its mean.
  package mutating func exponential() -> Double { -log(1 - unit()) }
}
