/// A token bucket in one number: the time at which it will be full again (the generic cell rate algorithm,
/// ITU-T I.371). It needs no timer, and one that nobody has used is as good as forgotten.
@frozen public struct TokenBucket: Hashable, Sendable {
  /// How fast a bucket fills, and how much it holds.
  @frozen public struct Rate: Hashable, Sendable {
    /// Tokens a second, at least 1.
    @usableFromInline let perSecond: Int64
    /// How long an empty bucket takes to be full, in nanoseconds.
    @usableFromInline let span: Int64

    /// How fast a bucket fills, and for how long it does.
    ///
    /// - Parameters:
    ///   - perSecond: at least 1.
    ///   - burst: as many seconds' worth of tokens are in a full bucket.
    @inlinable public init(_ perSecond: Int, burst: Int64 = 1) {
      self.perSecond = Int64(max(1, perSecond))
      self.span = burst &* 1_000_000_000
    }

    /// The time that so many tokens take to come, in nanoseconds.
    @inlinable func time(of count: Int) -> Int64 {
      // More than a datagram has is never asked for, and 64 bits hold that.
      Int64(min(count, 1 << 20)) &* 1_000_000_000 / perSecond
    }
  }

  @usableFromInline var fullTime = Int64.min

  /// When the bucket will be full again, in nanoseconds of the monotonic clock. A past time is a full bucket.
  @inlinable public var fullAt: Int64 { fullTime }

  /// A full bucket.
  @inlinable public init() {}

  /// Takes tokens out, if there are as many.
  ///
  /// - Parameters:
  ///   - now: nanoseconds of the monotonic clock.
  ///   - isReserved: whether the lower half is to be left to others.
  /// - Returns: whether there were.
  @inlinable public mutating func take(
    _ now: Int64, _ count: Int, at rate: Rate, leavingHalf isReserved: Bool = false
  ) -> Bool {
    let start = max(fullAt, now)
    let end = start &+ rate.time(of: count)
    guard end &- now <= (isReserved ? rate.span / 2 : rate.span) else { return false }
    fullTime = end
    return true
  }

  /// Takes tokens out, into debt if there are not as many.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public mutating func spend(_ now: Int64, _ count: Int, at rate: Rate) {
    fullTime = max(fullAt, now) &+ rate.time(of: count)
  }

  /// Whether there is nothing in it.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public func isEmpty(_ now: Int64, at rate: Rate) -> Bool { max(fullAt, now) &- now >= rate.span }

  /// Whether half of it or more is there.
  ///
  /// - Parameter now: nanoseconds of the monotonic clock.
  @inlinable public func isHalfFull(_ now: Int64, at rate: Rate) -> Bool {
    max(fullAt, now) &- now <= rate.span / 2
  }
}
