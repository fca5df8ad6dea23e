import CEventLoop
import Glibc
import HeapModule
package import NodeTime
import Platform
import Synchronization
package import SystemPackage

/// One thread that waits for descriptors, for points in time and for what other threads give it to do,
/// and does one thing after the other.
///
/// An iteration of the loop: it waits, tells the watchers whose descriptors are ready, runs the timers that are
/// due and what was given to it, and then calls those who want to know that the iteration ends. So what
/// belongs together leaves together, with one system call.
///
/// Why none of the general libraries: a node answers a query in some microseconds, and those pass each
/// datagram through a pipeline of handlers, with an allocation or more at each step. With SwiftNIO that
/// was 22 % of all the instructions of an answer.
///
/// `@unchecked`: what is not locked or constant belongs to the thread of the loop, and each way to it checks
/// that it is on that thread.
package final class EventLoop: @unchecked Sendable {
  private let epoll: Int32
  private let wakeup: Wakeup
  private let mailbox = Mutex(Mailbox())
  private let clock: @Sendable () -> Now

  /// Its thread; 0 before it runs.
  private let thread = Atomic<pthread_t>(0)

  // All of these belong to the loop's thread.
  private var watches: [Watch?] = []
  private var freeSlots: [Int] = []
  private var generation: UInt32 = 0
  private var timers: Heap<TimerEntry> = []
  private var cancelledTimers = 0
  private var plannedTimers: UInt64 = 0
  private var iterationEnders: [(owner: ObjectIdentifier, body: () -> Void)] = []
  /// What was given to the loop on its own thread.
  private var deferred: [() -> Void] = []
  private var isRunning = true
  /// Whether another iteration is to begin at once.
  private var isIterationRequested = false
  /// Whether those are being called who want to know that the iteration ends.
  package private(set) var isEndingIteration = false

  private struct Mailbox {
    var tasks: [@Sendable () -> Void] = []
    var isClosed = false
  }

  struct Watch {
    let descriptor: Int32
    let generation: UInt32
    unowned let watcher: any DescriptorWatcher
  }

  private struct TimerEntry: Comparable {
    let deadline: Instant
    let order: UInt64
    let timer: LoopTimer

    static func == (left: TimerEntry, right: TimerEntry) -> Bool { left.order == right.order }
    static func < (left: TimerEntry, right: TimerEntry) -> Bool {
      left.deadline != right.deadline ? left.deadline < right.deadline : left.order < right.order
    }
  }

  private static let wakeupToken = UInt64.max

  /// Starts the thread.
  ///
  /// - Parameter clock: gives the time that timers go by. If it is not the machine's, a timer goes off in the
  ///   first iteration after its time.
  /// - Throws: the cause, if the system does not give what a loop needs.
  package init(clock: @escaping @Sendable () -> Now = { SystemClock.now }) throws(Errno) {
    self.clock = clock
    // Before the descriptor that only `deinit` closes.
    wakeup = try Wakeup()
    epoll = ceventloop_create()
    guard epoll >= 0 else { throw Errno(rawValue: -epoll) }
    let code = ceventloop_add(epoll, wakeup.descriptor, CEVENTLOOP_READABLE, Self.wakeupToken)
    guard code == 0 else { throw Errno(rawValue: -code) }
    pthread_detach(
      try startThread { [self] in
        thread.store(pthread_self(), ordering: .relaxed)
        while isRunning { runIteration() }
      })
  }

  deinit { close(epoll) }

  /// Takes in a client of a listening socket, as a descriptor that does not block.
  ///
  /// - Throws: the cause; `Errno.wouldBlock` if none waits.
  package static func accept(from listener: Int32) throws(Errno) -> Int32 {
    let client = ceventloop_accept(listener)
    guard client >= 0 else { throw Errno(rawValue: -client) }
    return client
  }

  // MARK: - From any thread

  /// Has something done on the loop, soon.
  ///
  /// - Returns: whether it will be; it will not where the loop has been stopped.
  @discardableResult
  package func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
    let waiting = mailbox.withLock { mailbox in
      guard !mailbox.isClosed else { return 0 }
      mailbox.tasks.append(body)
      return mailbox.tasks.count
    }
    // One that was signalled for others wakes up for this one too.
    if waiting == 1 { wakeup.signal() }
    return waiting > 0
  }

  /// Does something on the loop, and gives what comes of it.
  ///
  /// - Throws: what the body throws, and `CancellationError` where the loop has been stopped.
  package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = mailbox.withLock { mailbox in
        guard !mailbox.isClosed else { return false }
        mailbox.tasks.append { continuation.resume(with: Swift.Result { try body() }) }
        return true
      }
      if isTaken {
        wakeup.signal()
      } else {
        continuation.resume(throwing: CancellationError())
      }
    }
  }

  /// Does what was given to the loop so far, and ends its thread.
  package func stop() async {
    await withCheckedContinuation { continuation in
      let isTaken = mailbox.withLock { mailbox in
        guard !mailbox.isClosed else { return false }
        mailbox.isClosed = true
        mailbox.tasks.append { [self] in
          isRunning = false
          continuation.resume()
        }
        return true
      }
      if isTaken { wakeup.signal() } else { continuation.resume() }
    }
  }

  /// Whether the caller is on the loop's thread.
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  /// The time by the clock of the loop.
  package var now: Now { clock() }

  // MARK: - On the loop's thread

  /// Begins to watch a descriptor. Whoever closes it ends that before.
  ///
  /// - Parameter watcher: is not kept alive.
  /// - Throws: the cause, if the system does not watch it.
  package func watch(
    _ descriptor: Int32, for readiness: Readiness, _ watcher: any DescriptorWatcher
  ) throws(Errno) -> WatchID {
    precondition(isCurrent)
    generation &+= 1
    let slot = freeSlots.popLast() ?? watches.count
    let id = WatchID(slot: slot, generation: generation)
    let code = ceventloop_add(epoll, descriptor, readiness.rawValue, id.token)
    guard code == 0 else {
      if slot < watches.count { freeSlots.append(slot) }
      throw Errno(rawValue: -code)
    }
    let watch = Watch(descriptor: descriptor, generation: generation, watcher: watcher)
    if slot == watches.count { watches.append(watch) } else { watches[slot] = watch }
    return id
  }

  /// Watches a descriptor for something else from now on.
  package func change(_ id: WatchID, to readiness: Readiness) {
    precondition(isCurrent)
    guard let watch = watch(id) else { return }
    _ = ceventloop_change(epoll, watch.descriptor, readiness.rawValue, id.token)
  }

  /// Watches a descriptor no more; what has happened to it in this iteration is not told either.
  package func end(_ id: WatchID) {
    precondition(isCurrent)
    guard let watch = watch(id) else { return }
    _ = ceventloop_remove(epoll, watch.descriptor)
    watches[id.slot] = nil
    freeSlots.append(id.slot)
  }

  private func watch(_ id: WatchID) -> Watch? {
    guard watches.indices.contains(id.slot), let watch = watches[id.slot],
      watch.generation == id.generation
    else { return nil }
    return watch
  }

  /// Calls back at a point in time, unless that is cancelled before.
  @discardableResult
  package func schedule(at deadline: Instant, _ body: @escaping () -> Void) -> LoopTimer {
    precondition(isCurrent)
    let timer = LoopTimer(self, body)
    plannedTimers += 1
    timers.insert(TimerEntry(deadline: deadline, order: plannedTimers, timer: timer))
    return timer
  }

  /// Calls back after some time, unless that is cancelled before.
  @discardableResult
  package func schedule(after pause: Duration, _ body: @escaping () -> Void) -> LoopTimer {
    schedule(at: now.monotonic + pause, body)
  }

  /// Calls back once when what is being done has been done, in this iteration or in one that begins at once.
  package func executeLater(_ body: @escaping () -> Void) {
    precondition(isCurrent)
    deferred.append(body)
  }

  /// Has another iteration begin at once after this one, even if there is nothing else to do in it.
  package func requestIteration() {
    precondition(isCurrent)
    isIterationRequested = true
  }

  /// Calls back whenever an iteration ends, in the order in which that was asked for.
  ///
  /// - Parameter owner: for whom; it is to end that before it goes.
  package func onIterationEnd(for owner: AnyObject, _ body: @escaping () -> Void) {
    precondition(isCurrent)
    iterationEnders.append((ObjectIdentifier(owner), body))
  }

  /// Calls back for this owner no more when an iteration ends.
  package func removeIterationEnd(for owner: AnyObject) {
    precondition(isCurrent)
    iterationEnders.removeAll { $0.owner == ObjectIdentifier(owner) }
  }

  func timerWasCancelled() {
    cancelledTimers += 1
    // They would stay until they are due, and that may be long.
    guard cancelledTimers > 64, cancelledTimers * 2 > timers.count else { return }
    timers = Heap(timers.unordered.filter { !$0.timer.isDone })
    cancelledTimers = 0
  }

  // MARK: - An iteration

  private func runIteration() {
    withUnsafeTemporaryAllocation(of: ceventloop_event.self, capacity: 64) { events in
      let found = ceventloop_wait(epoll, events.baseAddress, Int32(events.count), millisecondsToWait)
      isIterationRequested = false
      guard found > 0 else { return }
      for event in events.prefix(Int(found)) { happened(event) }
    }
    runTimers()
    // What is put off meanwhile is done in the next iteration, after those whose descriptors are ready by then.
    let tasks = deferred
    deferred = []
    for task in tasks { task() }
    isEndingIteration = true
    for ender in iterationEnders { ender.body() }
    isEndingIteration = false
  }

  private func happened(_ event: ceventloop_event) {
    guard event.token != Self.wakeupToken else {
      emptyMailbox()
      return
    }
    // One that was told before may have ended the watch of this one.
    guard let watch = watch(WatchID(token: event.token)) else { return }
    watch.watcher.isReady(Readiness(rawValue: event.readiness))
  }

  private func emptyMailbox() {
    wakeup.clear()
    let tasks = mailbox.withLock { mailbox in
      defer { mailbox.tasks = [] }
      return mailbox.tasks
    }
    for task in tasks { task() }
  }

  private func runTimers() {
    guard let first = timers.min else { return }
    let now = self.now.monotonic
    guard first.deadline <= now else { return }
    while let entry = timers.min, entry.deadline <= now {
      timers.removeMin()
      if entry.timer.isDone { cancelledTimers -= 1 } else { entry.timer.run() }
    }
  }

  private var millisecondsToWait: Int32 {
    if isIterationRequested || !deferred.isEmpty { return 0 }
    guard let deadline = timers.min?.deadline else { return -1 }
    let nanoseconds = deadline.since(now.monotonic).nanoseconds
    // Rounded up: to wake up too early is to wake up twice.
    return Int32(clamping: max(0, (nanoseconds + 999_999) / 1_000_000))
  }
}
