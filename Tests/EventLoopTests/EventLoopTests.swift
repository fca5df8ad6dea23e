import EventLoop
import Glibc
import NodeTime
import Synchronization
import SystemPackage
import Testing

@Suite("The event loop")
struct EventLoopTests {
  /// Runs a body with a loop, and ends the loop's thread after it.
  private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
    let loop = try EventLoop()
    do {
      try await body(loop)
      await loop.stop()
    } catch {
      await loop.stop()
      throw error
    }
  }

  /// The events of a loop in their order.
  private final class Log {
    var entries: [String] = []
  }

  private final class Counter: Sendable {
    let count = Mutex(0)
  }

  /// Lets a loop go on until a body, which runs on it, calls back.
  private func wait(
    on loop: EventLoop, _ begin: @escaping @Sendable (@escaping ([String]) -> Void) -> Void
  ) async -> [String] {
    await withCheckedContinuation { continuation in
      loop.execute { begin { continuation.resume(returning: $0) } }
    }
  }

  @Test("tasks of other threads run on the loop's thread, each once")
  func tasks() async throws {
    try await withLoop { loop in
      #expect(!loop.isCurrent)
      let counter = Counter()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<500 {
              loop.execute {
                precondition(loop.isCurrent)
                counter.count.withLock { $0 += 1 }
              }
            }
          }
        }
      }
      // Earlier tasks run before it.
      let done = try await loop.run { counter.count.withLock { $0 } }
      #expect(done == 4000)
    }
  }

  @Test("an error that a task throws reaches its caller")
  func errors() async throws {
    struct Thrown: Error {}
    try await withLoop { loop in
      await #expect(throws: Thrown.self) { try await loop.run { throw Thrown() } }
    }
  }

  @Test("after the end no task runs, and no caller waits")
  func ended() async throws {
    let loop = try EventLoop()
    await loop.stop()
    await loop.stop()
    loop.execute { Issue.record("done after the end") }
    await #expect(throws: CancellationError.self) { try await loop.run {} }
  }

  @Test("timers run in the order of their times, and cancelled ones do not run")
  func timers() async throws {
    try await withLoop { loop in
      let fired = await wait(on: loop) { done in
        let log = Log()
        let now = SystemClock.now.monotonic
        func plan(_ name: String, _ milliseconds: Int64) -> LoopTimer {
          loop.schedule(at: now + .milliseconds(milliseconds)) { log.entries.append(name) }
        }
        _ = plan("third", 30)
        let cancelled = plan("cancelled", 10)
        _ = plan("first", 5)
        _ = plan("second", 20)
        _ = plan("second, too", 20)
        cancelled.cancel()
        cancelled.cancel()
        loop.schedule(after: .milliseconds(40)) { done(log.entries) }
      }
      #expect(fired == ["first", "second", "second, too", "third"])
    }
  }

  @Test("removing many cancelled timers keeps the others")
  func manyTimers() async throws {
    try await withLoop { loop in
      let fired = await wait(on: loop) { done in
        let log = Log()
        for number in 0..<1000 {
          let timer = loop.schedule(after: .seconds(600)) { log.entries.append("\(number)") }
          timer.cancel()
        }
        loop.schedule(after: .milliseconds(1)) { done(log.entries + ["the last"]) }
      }
      #expect(fired == ["the last"])
    }
  }

  @Test("timers follow the clock of the loop")
  func clock() async throws {
    let clock = VirtualClock()
    let loop = try EventLoop(clock: { clock.now })
    let counter = Counter()
    try await loop.run {
      _ = loop.schedule(after: .seconds(3600)) { counter.count.withLock { $0 += 1 } }
    }
    clock.advance(seconds: 3599)
    try await loop.run {}
    try await loop.run {}
    #expect(counter.count.withLock(\.self) == 0)
    clock.advance(seconds: 1)
    // Timers are run after the tasks of an iteration.
    try await loop.run {}
    try await loop.run {}
    #expect(counter.count.withLock(\.self) == 1)
    #expect(loop.now.wall == WallTime(seconds: 3600))
    await loop.stop()
  }

  /// A clock that a test sets.
  private final class VirtualClock: Sendable {
    private let time = Mutex(Now(monotonic: Instant(nanoseconds: 0), wall: WallTime(seconds: 0)))
    var now: Now { time.withLock(\.self) }

    func advance(seconds: Int64) {
      time.withLock { now in
        now.monotonic = now.monotonic + .seconds(seconds)
        now.wall = WallTime(seconds: now.wall.seconds + seconds)
      }
    }
  }

  @Test("an iteration handles events, then deferred tasks, then the iteration-end handlers")
  func iteration() async throws {
    try await withLoop { loop in
      let happened = await wait(on: loop) { done in
        let (log, owner) = (Log(), Log())
        loop.onIterationEnd(for: owner) {
          log.entries.append("end")
          guard loop.isEndingIteration, log.entries.count < 5 else {
            loop.removeIterationEnd(for: owner)
            done(log.entries)
            return
          }
          // A deferred task runs in an iteration that begins at once.
          loop.executeLater { log.entries.append("next") }
        }
        loop.executeLater {
          log.entries.append("later")
          loop.executeLater { log.entries.append("later still") }
        }
        log.entries.append("now")
      }
      #expect(happened == ["now", "later", "end", "later still", "next", "end"])
    }
  }

  /// Tells of a pipe, and reads from it if it is to.
  private final class Reader: DescriptorWatcher {
    let told: (Reader, Readiness) -> Void
    init(_ told: @escaping (Reader, Readiness) -> Void) { self.told = told }
    func handleReadiness(_ readiness: Readiness) { told(self, readiness) }
  }

  /// The two ends of a stream; the caller closes them.
  private static func stream() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  @Test("a descriptor is reported as readable while it is, and as broken when the other side is gone")
  func readable() async throws {
    let (mine, theirs) = try Self.stream()
    defer { close(mine) }
    try await withLoop { loop in
      let told = await wait(on: loop) { done in
        let log = Log()
        var watch: WatchID?
        var reader: Reader?
        reader = Reader { _, readiness in
          if readiness.contains(.broken) {
            if let watch { loop.end(watch) }
            reader = nil
            done(log.entries + ["broken"])
            return
          }
          var byte: UInt8 = 0
          guard read(mine, &byte, 1) == 1 else { return }
          log.entries.append(String(UnicodeScalar(byte)))
          // There is more input, and the event is reported again without new input.
          if byte == UInt8(ascii: "b") { close(theirs) }
        }
        if let reader { watch = try? loop.watch(mine, for: .readable, reader) }
        write(theirs, "ab", 2)
      }
      #expect(told == ["a", "b", "broken"])
    }
  }

  @Test("after the end of a watch, no event is reported, not even an earlier one")
  func endedWatch() async throws {
    let (first, toFirst) = try Self.stream()
    let (second, toSecond) = try Self.stream()
    defer { for end in [first, toFirst, second, toSecond] { close(end) } }
    write(toFirst, "x", 1)
    write(toSecond, "x", 1)
    try await withLoop { loop in
      let told = await wait(on: loop) { done in
        let log = Log()
        var watches: [WatchID] = []
        // Both are ready in one iteration: whichever comes first ends both.
        let readers = ["one", "two"].map { name in
          Reader { _, _ in
            log.entries.append(name)
            for watch in watches { loop.end(watch) }
          }
        }
        for (descriptor, reader) in zip([first, second], readers) {
          if let watch = try? loop.watch(descriptor, for: .readable, reader) { watches.append(watch) }
        }
        loop.schedule(after: .milliseconds(20)) {
          withExtendedLifetime(readers) { done(log.entries) }
        }
      }
      #expect(told.count == 1)
    }
  }

  /// Notes on which thread it ends.
  private final class Bound {
    let loop: EventLoop
    let ends: Ends

    init(_ loop: EventLoop, _ ends: Ends) {
      self.loop = loop
      self.ends = ends
    }

    deinit { ends.areOnLoop.withLock { $0.append(loop.isCurrent) } }
  }

  private final class Ends: Sendable {
    let areOnLoop = Mutex<[Bool]>([])
  }

  @Test("a value that is bound to a loop is released on its thread, whichever thread held it last")
  func lastRelease() async throws {
    let ends = Ends()
    let loop = try EventLoop()
    for count in 1...100 {
      do {
        let bound = try await loop.run { LoopBound(Bound(loop, ends), on: loop) }
        #expect(try await loop.run { bound.value.loop.isCurrent })
      }
      // The release was given to the loop before this.
      try await loop.run {}
      #expect(ends.areOnLoop.withLock(\.self) == Array(repeating: true, count: count))
    }
    do {
      let bound = try await loop.run { LoopBound(Bound(loop, ends), on: loop) }
      await loop.stop()
      withExtendedLifetime(bound) {}
    }
    // Without the thread it is released all the same.
    #expect(ends.areOnLoop.withLock { $0.count } == 101)
  }

  @Test("a watch does not keep its watcher alive")
  func unownedWatcher() async throws {
    let (mine, theirs) = try Self.stream()
    defer { for end in [mine, theirs] { close(end) } }
    try await withLoop { loop in
      let isAlive = try await loop.run {
        var reader: Reader? = Reader { _, _ in }
        weak let watcher = reader
        let watch = try reader.map { try loop.watch(mine, for: .readable, $0) }
        reader = nil
        defer { if let watch { loop.end(watch) } }
        return watcher != nil
      }
      #expect(!isAlive)
    }
  }

  @Test("an error with the system's reason is thrown for an unwatchable descriptor")
  func unwatchable() async throws {
    try await withLoop { loop in
      await #expect(throws: Errno.self) {
        try await loop.run {
          let reader = Reader { _, _ in }
          _ = try loop.watch(-1, for: .readable, reader)
        }
      }
    }
  }
}
