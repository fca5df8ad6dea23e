/// A small seeded generator (Steele, Lea and Flood 2014). The same seed gives the same numbers on every
/// machine and in every process. It is not for secrets.
@frozen
public struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  /// Makes a generator. Different seeds give different numbers.
  @inlinable
  public init(seed: UInt64) {
    state = seed
  }

  /// The next 64 bits.
  @inlinable
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// Spreads a number over 64 bits, so that neighbouring numbers are unrelated afterwards.
  @inlinable
  public static func mix(_ number: UInt64) -> UInt64 {
    var word = number
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// Returns a number from 0 up to but not including a bound above 0. It is slightly uneven, and much cheaper
  /// than `Int.random`.
  package mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next() >> 33) % bound
  }

  /// Returns a number from 0 to 2^63 - 1, of any length with the same probability.
  package mutating func natural() -> Int64 {
    Int64(next() >> UInt64(1 + below(63)))
  }

  /// Returns random bytes.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(count)
    for _ in 0..<count { bytes.append(UInt8(truncatingIfNeeded: next())) }
    return bytes
  }
}
