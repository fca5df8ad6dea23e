extension Duration {
  /// The whole duration in nanoseconds, capped at what 64 bits hold (292 years).
  @inlinable public var nanoseconds: Int64 {
    Int64(clamping: attoseconds / 1_000_000_000)
  }

  /// The duration in milliseconds, with a fraction, for people and for metrics.
  @inlinable public var milliseconds: Double { Double(nanoseconds) / 1e6 }

  /// The duration in seconds for people: `5 s`, `0.5 s`.
  @inlinable public var inSeconds: String {
    let (seconds, attoseconds) = components
    return attoseconds == 0 ? "\(seconds) s" : "\(milliseconds / 1000) s"
  }
}
