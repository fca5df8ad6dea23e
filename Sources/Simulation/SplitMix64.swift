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
}
