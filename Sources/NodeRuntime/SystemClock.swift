import Glibc
import Kademlia
import NIOCore

/// The machine's clocks, in the core's terms.
package enum SystemClock {
  /// The time now: monotonic for timers and round trips, civil for what records carry.
  package static var now: Now {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Now(
      monotonic: Instant(NIODeadline.now()),
      wall: WallTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000))
  }
}

extension Instant {
  /// An event loop's deadline on the core's clock: both count from the same origin.
  init(_ deadline: NIODeadline) {
    self.init(nanoseconds: Int64(clamping: deadline.uptimeNanoseconds))
  }
}

extension NIODeadline {
  init(_ instant: Instant) {
    self = .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds))
  }
}
