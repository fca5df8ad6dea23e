import EventLoop
import NodeTime
import Testing

@testable import NodeRuntime

@Suite("The timer for a deadline")
struct DeadlineTimerTests {
  /// A timer that counts how often it calls back.
  private final class Counted {
    var timer: DeadlineTimer
    var calls = 0

    init(on loop: EventLoop) {
      timer = DeadlineTimer(on: loop)
      timer.callBack = { [unowned self] in calls += 1 }
    }
  }

  /// Sets a timer, in seconds from now, and lets a second pass, again and again.
  ///
  /// - Returns: the number of calls after each second.
  private func calls(settingFor deadlines: [Int64?]) async throws -> [Int] {
    let time = VirtualTime()
    let start = time.instant
    let loop = try EventLoop(clock: { time.now })
    let counted = try await loop.run { LoopBound(Counted(on: loop), on: loop) }
    var calls: [Int] = []
    for deadline in deadlines {
      try await loop.run {
        if let deadline { counted.value.timer.set(for: start + .seconds(deadline)) }
      }
      time.advance(seconds: 1)
      // Timers go off after the tasks of an iteration.
      try await loop.run {}
      calls.append(try await loop.run { counted.value.calls })
    }
    try await loop.run { counted.value.timer.cancel() }
    await loop.stop()
    return calls
  }

  @Test("it calls back once at its deadline")
  func once() async throws {
    #expect(try await calls(settingFor: [3, nil, nil, nil, nil]) == [0, 0, 1, 1, 1])
  }

  @Test("an earlier deadline replaces a later one")
  func earlier() async throws {
    #expect(try await calls(settingFor: [5, 2, nil, nil, nil, nil]) == [0, 1, 1, 1, 1, 1])
  }

  @Test("a later deadline takes effect only when the timer is set again")
  func later() async throws {
    #expect(try await calls(settingFor: [2, 5, 5, nil, nil, nil]) == [0, 1, 1, 1, 2, 2])
  }
}
