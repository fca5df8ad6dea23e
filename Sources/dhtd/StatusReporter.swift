import EventLoop
import Kademlia
import NodeRuntime
import Systemd

/// Keeps the service manager told of how the node is, and that it is alive.
///
/// All of it runs on the loop of the node: a loop that hangs feeds no watchdog.
final class StatusReporter {
  private let driver: NodeDriver
  private let manager: ServiceManager
  /// The status that the manager knows.
  private var told = ""
  /// What it had no room for; there is little to tell besides the status.
  private var unsent: [ServiceManager.Message] = []
  private var pending: LoopTimer?
  private var watchdog: LoopTimer?

  /// The least time between two lines of status: a node that meets a network meets many nodes at once.
  private static let pause: Duration = .milliseconds(250)

  private init(_ driver: NodeDriver, _ manager: ServiceManager) {
    self.driver = driver
    self.manager = manager
  }

  /// What a reporter is held by outside its loop.
  struct Handle: Sendable {
    fileprivate let reporter: LoopBound<StatusReporter>

    /// Tells that the node is ready, and how it is.
    func ready() async throws {
      try await reporter.loop.run { reporter.value.tell([.ready]) }
    }

    /// Tells nothing any more.
    func stop() async throws {
      try await reporter.loop.run { reporter.value.stop() }
    }
  }

  /// Begins to tell.
  static func start(on runtime: NodeRuntime, _ manager: ServiceManager) async throws -> Handle {
    try await runtime.loop.run {
      let reporter = StatusReporter(runtime.driver.value, manager)
      reporter.start()
      return Handle(reporter: LoopBound(reporter, on: runtime.loop))
    }
  }

  private func start() {
    driver.vitalsChanged = { [unowned self] in changed() }
    tell([])
    guard let timeout = manager.watchdogTimeout else { return }
    // So often that some may be missed, as where the core wakes up after the machine has slept.
    feedWatchdog(every: timeout / 5)
  }

  private func feedWatchdog(every interval: Duration) {
    // A loop that runs around a core that is not called any more is as good as one that hangs.
    if driver.isOnTime { manager.notify(.watchdog) }
    watchdog = driver.loop.schedule(after: interval) { [unowned self] in feedWatchdog(every: interval) }
  }

  private func stop() {
    driver.vitalsChanged = nil
    pending?.cancel()
    pending = nil
    watchdog?.cancel()
    watchdog = nil
  }

  /// Tells at once what is new, and then not again before the pause is over.
  private func changed() {
    if pending == nil { tell([]) }
  }

  /// Tells the news, and how the node is. What the manager does not take now, it is told later.
  private func tell(_ news: [ServiceManager.Message]) {
    let status = driver.vitals.status
    unsent += news.filter { !unsent.contains($0) }
    if manager.notify(unsent + [.status(status)]) {
      unsent = []
      told = status
    }
    pending?.cancel()
    pending = driver.loop.schedule(after: Self.pause) { [self] in
      pending = nil
      if !unsent.isEmpty || driver.vitals.status != told { tell([]) }
    }
  }
}

extension Vitals {
  /// One line for `systemctl status`.
  var status: String {
    let held = keys == 1 ? "1 key" : "\(keys) keys"
    guard isJoined else { return "Joining: \(Self.contacts(contacts)) so far" }
    return contacts == 0 ? "Alone: no contacts, \(held)" : "Ready: \(Self.contacts(contacts)), \(held)"
  }

  private static func contacts(_ count: Int) -> String { count == 1 ? "1 contact" : "\(count) contacts" }
}
