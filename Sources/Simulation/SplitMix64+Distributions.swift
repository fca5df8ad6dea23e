import Glibc
package import SeededRandom

extension SplitMix64 {
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
