import Glibc
package import SeededRandom

extension SplitMix64 {
  /// Returns true with a probability.
  package mutating func chance(_ probability: Double) -> Bool {
    // A probability of 0 draws no number, so that a network without loss is not slowed down.
    probability > 0 && Double.random(in: 0..<1, using: &self) < probability
  }

  /// A number from 0 up to 1.
  package mutating func unit() -> Double { Double.random(in: 0..<1, using: &self) }

  /// A number from the normal distribution with mean 0 and deviation 1 (Box and Muller 1958).
  package mutating func normal() -> Double {
    // The argument of the logarithm is never 0.
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * Double.pi * unit())
  }

  /// A waiting time of a Poisson process, as a multiple of its mean.
  package mutating func exponential() -> Double { -log(1 - unit()) }
}
