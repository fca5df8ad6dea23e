import CEventLoop
import Glibc
import HeapModule
package import NodeTime
import Platform
import Synchronization
package import SystemPackage

/// Runs one thread that waits for descriptors, deadlines and tasks of other threads, and handles them one
/// after the other.
///
/// In each iteration, the loop waits, calls the watchers whose descriptors are ready, runs the due timers
/// and the tasks, and then calls the iteration-end handlers. So the datagrams of one iteration leave
/// together, with one system call.
///
/// No general library is used. A node answers a query in a few microseconds, and such a library passes each
/// datagram through a pipeline of handlers, with at least one allocation at each step. With SwiftNIO that
/// took 22 % of all the instructions of an answer.
///
/// `@unchecked`: everything that is neither locked nor constant belongs to the thread of the loop, and each
/// method that uses it checks the thread.
package final class EventLoop: @unchecked Sendable {
  private let epoll: Int32
  private let wakeup: Wakeup
  private let mailbox = Mutex(Mailbox())
  private let clock: @Sendable () -> Now

  /// The loop's thread; 0 before it runs.
  private let thread = Atomic<pthread_t>(0)

  // All of these belong to the loop's thread.
  private var watches: [Watch?] = []
  private var freeSlots: [Int] = []
  private var generation: UInt32 = 0
  private var timers: Heap<TimerEntry> = []
  private var cancelledTimers = 0
  private var plannedTimers: UInt64 = 0
  private var iterationEndHandlers: [(owner: ObjectIdentifier, body: () -> Void)] = []
  /// Tasks submitted on the loop's own thread.
  private var deferred: [() -> Void] = []
  private var isRunning = true
  /// True if another iteration begins at once.
  private var isIterationRequested = false
  /// True if the iteration-end handlers are running.
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
  /// - Parameter clock: gives the time for timers. With a clock other than the machine's, a timer runs in the
  ///   first iteration after its time.
  /// - Throws: the cause, if the system lacks the resources for a loop.
  package init(clock: @escaping @Sendable () -> Now = { SystemClock.now }) throws(Errno) {
    self.clock = clock
    // Created before the descriptor that only `deinit` closes.
    wakeup = try Wakeup()
    epoll = ceventloop_create()
    guard epoll >= 0 else { throw Errno(rawValue: -epoll) }
    let code = ceventloop_add(epoll, wakeup.descriptor, CEVENTLOOP_READABLE, Self.wakeupToken)
    guard code == 0 else { throw Errno(rawValue: -code) }
    pthread_detach(
      try WorkerThread.start { [self] in
        thread.store(pthread_self(), ordering: .relaxed)
        while isRunning { runIteration() }
      })
  }

  deinit { close(epoll) }

  /// Accepts a client of a listening socket, as a non-blocking descriptor.
  ///
  /// - Throws: the cause; `Errno.wouldBlock` if no client is waiting.
  package static func accept(from listener: Int32) throws(Errno) -> Int32 {
    let client = ceventloop_accept(listener)
    guard client >= 0 else { throw Errno(rawValue: -client) }
    return client
  }

  // MARK: - From any thread

  /// Runs a task on the loop, soon.
  ///
  /// - Returns: whether the task will run; false if the loop has stopped.
  @discardableResult
  package func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
    let waiting = mailbox.withLock { mailbox in
      guard !mailbox.isClosed else { return 0 }
      mailbox.tasks.append(body)
      return mailbox.tasks.count
    }
    // A wakeup signalled for an earlier task serves this one too.
    if waiting == 1 { wakeup.signal() }
    return waiting > 0
  }

  /// Runs a task on the loop and returns its result.
  ///
  /// - Throws: the body's error, and `CancellationError` if the loop has stopped.
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

  /// Runs the tasks submitted so far and ends the thread.
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

  /// True if the caller is on the loop's thread.
  package var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

  /// The time by the clock of the loop.
  package var now: Now { clock() }

  // MARK: - On the loop's thread

  /// Begins to watch a descriptor. The watch must end before the descriptor is closed.
  ///
  /// - Parameter watcher: called when the descriptor is ready; it is not kept alive.
  /// - Throws: the cause, if the system cannot watch the descriptor.
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

  /// Changes the events that a descriptor is watched for.
  package func change(_ id: WatchID, to readiness: Readiness) {
    precondition(isCurrent)
    guard let watch = watch(id) else { return }
    _ = ceventloop_change(epoll, watch.descriptor, readiness.rawValue, id.token)
  }

  /// Ends a watch. Events of this iteration that are not handled yet are dropped.
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

  /// Calls `body` at a deadline, unless the timer is cancelled before.
  @discardableResult
  package func schedule(at deadline: Instant, _ body: @escaping () -> Void) -> LoopTimer {
    precondition(isCurrent)
    let timer = LoopTimer(self, body)
    plannedTimers += 1
    timers.insert(TimerEntry(deadline: deadline, order: plannedTimers, timer: timer))
    return timer
  }

  /// Calls `body` after a duration, unless the timer is cancelled before.
  @discardableResult
  package func schedule(after duration: Duration, _ body: @escaping () -> Void) -> LoopTimer {
    schedule(at: now.monotonic + duration, body)
  }

  /// Calls `body` once when the current work is done, in this iteration or in one that begins at once.
  package func executeLater(_ body: @escaping () -> Void) {
    precondition(isCurrent)
    deferred.append(body)
  }

  /// Begins another iteration at once after this one, even if there is nothing else to do in it.
  package func requestIteration() {
    precondition(isCurrent)
    isIterationRequested = true
  }

  /// Calls `body` whenever an iteration ends. The handlers run in the order in which they were added.
  ///
  /// - Parameter owner: the owner of the handler, which must remove it before it is released.
  package func onIterationEnd(for owner: AnyObject, _ body: @escaping () -> Void) {
    precondition(isCurrent)
    iterationEndHandlers.append((ObjectIdentifier(owner), body))
  }

  /// Removes the iteration-end handlers of an owner.
  package func removeIterationEnd(for owner: AnyObject) {
    precondition(isCurrent)
    iterationEndHandlers.removeAll { $0.owner == ObjectIdentifier(owner) }
  }

  func handleTimerCancellation() {
    cancelledTimers += 1
    // Cancelled timers would otherwise stay until their deadlines, possibly for long.
    guard cancelledTimers > 64, cancelledTimers * 2 > timers.count else { return }
    timers = Heap(timers.unordered.filter { !$0.timer.isDone })
    cancelledTimers = 0
  }

  // MARK: - An iteration

  private func runIteration() {
    // The call has initialized the first `found` events, and never returns more than fit.
    unsafe withUnsafeTemporaryAllocation(of: ceventloop_event.self, capacity: 64) { events in
      let found = unsafe ceventloop_wait(epoll, events.baseAddress, Int32(events.count), millisecondsToWait)
      isIterationRequested = false
      guard found > 0 else { return }
      for index in 0..<Int(found) { unsafe handle(events[index]) }
    }
    runTimers()
    // Tasks deferred by these tasks run in the next iteration, after the descriptors that are ready by then.
    let tasks = deferred
    deferred = []
    for task in tasks { task() }
    isEndingIteration = true
    for handler in iterationEndHandlers { handler.body() }
    isEndingIteration = false
  }

  private func handle(_ event: ceventloop_event) {
    guard event.token != Self.wakeupToken else {
      runMailbox()
      return
    }
    // An earlier watcher of this iteration may have ended this watch.
    guard let watch = watch(WatchID(token: event.token)) else { return }
    watch.watcher.handleReadiness(Readiness(rawValue: event.readiness))
  }

  private func runMailbox() {
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
    // Rounded up, because waking up too early means waking up twice.
    return Int32(clamping: max(0, (nanoseconds + 999_999) / 1_000_000))
  }
}
