import Glibc
package import NodeTime

/// The machine's clocks, in the core's types.
package enum SystemClock {
  /// The current time: monotonic for timers and round trips, civil for records.
  package static var now: Now {
    let (monotonic, wall) = (read(CLOCK_MONOTONIC), read(CLOCK_REALTIME))
    return Now(
      monotonic: Instant(nanoseconds: Int64(monotonic.tv_sec) * 1_000_000_000 + Int64(monotonic.tv_nsec)),
      wall: WallTime(microseconds: Int64(wall.tv_sec) * 1_000_000 + Int64(wall.tv_nsec) / 1000))
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // The system writes one `timespec`.
    unsafe clock_gettime(clock, &time)
    return time
  }
}
