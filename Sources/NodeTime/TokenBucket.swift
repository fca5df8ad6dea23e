/// A token bucket in one number: the time at which it will be full again (the generic cell rate algorithm,
/// ITU-T I.371). It needs no timer, and an unused bucket needs no memory.
@frozen public struct TokenBucket: Hashable, Sendable {
  /// The rate at which a bucket fills, and its capacity.
  @frozen public struct Rate: Hashable, Sendable {
    /// Tokens a second, at least 1.
    @usableFromInline let perSecond: Int64
    /// The time in which an empty bucket fills, in nanoseconds.
    @usableFromInline let span: Int64

    /// A rate and the time in which an empty bucket fills.
    ///
    /// - Parameters:
    ///   - perSecond: tokens a second, at least 1.
    ///   - burst: the seconds in which an empty bucket fills.
    @inlinable public init(_ perSecond: Int, burst: Int64 = 1) {
      self.perSecond = Int64(max(1, perSecond))
      self.span = burst &* 1_000_000_000
    }

    /// The time in which a number of tokens is added, in nanoseconds.
    @inlinable func time(of count: Int) -> Int64 {
      // No datagram costs more than this limit, and the product fits into 64 bits.
      Int64(min(count, 1 << 20)) &* 1_000_000_000 / perSecond
    }
  }

  @usableFromInline var fullTime = Int64.min

  /// The time at which the bucket will be full again, in nanoseconds of the monotonic clock. A past time
  /// means a full bucket.
  @inlinable public var fullAt: Int64 { fullTime }

  /// A full bucket.
  @inlinable public init() {}

  /// Takes tokens if the bucket has enough.
  ///
  /// - Parameters:
  ///   - now: nanoseconds of the monotonic clock.
  ///   - isReserved: whether to leave the lower half for others.
  /// - Returns: whether the tokens were taken.
  @inlinable public mutating func take(
    _ now: Int64, _ count: Int, at rate: Rate, leavingHalf isReserved: Bool = false
  ) -> Bool {
    let start = max(fullAt, now)
    let end = start &+ rate.time(of: count)
    guard end &- now <= (isReserved ? rate.span / 2 : rate.span) else { return false }
    fullTime = end
    return true
  }

  /// Takes tokens, and goes into debt if the bucket has too few.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public mutating func spend(_ now: Int64, _ count: Int, at rate: Rate) {
    fullTime = max(fullAt, now) &+ rate.time(of: count)
  }

  /// True if the bucket is empty.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public func isEmpty(_ now: Int64, at rate: Rate) -> Bool { max(fullAt, now) &- now >= rate.span }

  /// True if the bucket is at least half full.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public func isHalfFull(_ now: Int64, at rate: Rate) -> Bool {
    max(fullAt, now) &- now <= rate.span / 2
  }
}
