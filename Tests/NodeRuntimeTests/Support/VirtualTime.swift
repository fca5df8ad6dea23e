import NodeTime
import Synchronization

@testable import NodeRuntime

/// A clock that a test sets.
final class VirtualTime: Sendable {
  private let time = Mutex(
    Now(monotonic: Instant(nanoseconds: 1_000_000_000_000), wall: WallTime(seconds: 1_800_000_000)))

  /// The time.
  var now: Now { time.withLock(\.self) }

  /// The monotonic time.
  var instant: Instant { now.monotonic }

  /// A node's clock that reads this time.
  var clock: NodeClock { NodeClock { [self] in now } }

  /// Lets whole seconds pass.
  func advance(seconds: Int64) {
    time.withLock { now in
      now.monotonic = now.monotonic + .seconds(seconds)
      now.wall = WallTime(microseconds: now.wall.microseconds + seconds * 1_000_000)
    }
  }
}
