import EventLoop
import Kademlia
import NodeRuntime
import Systemd

/// Reports the node's status to the service manager, and feeds its watchdog.
///
/// The reporter runs on the node's loop, so a loop that hangs feeds no watchdog.
final class StatusReporter {
  private let driver: NodeDriver
  private let manager: ServiceManager
  /// The status that was reported last.
  private var reportedStatus = ""
  /// Messages that the manager had no room for. There are few besides the status.
  private var unsent: [ServiceManager.Message] = []
  private var pending: LoopTimer?
  private var watchdog: LoopTimer?

  /// The shortest time between two status lines. A node that joins a network meets many nodes at once.
  private static let pause: Duration = .milliseconds(250)

  private init(_ driver: NodeDriver, _ manager: ServiceManager) {
    self.driver = driver
    self.manager = manager
  }

  /// A reference to a reporter, for use outside its loop.
  struct Handle: Sendable {
    fileprivate let reporter: LoopBound<StatusReporter>

    /// Reports that the node is ready, and its status.
    func ready() async throws {
      try await reporter.loop.run { reporter.value.report([.ready]) }
    }

    /// Stops reporting.
    func stop() async throws {
      try await reporter.loop.run { reporter.value.stop() }
    }
  }

  /// Begins to report.
  static func start(on runtime: NodeRuntime, _ manager: ServiceManager) async throws -> Handle {
    try await runtime.loop.run {
      let reporter = StatusReporter(runtime.driver.value, manager)
      reporter.start()
      return Handle(reporter: LoopBound(reporter, on: runtime.loop))
    }
  }

  private func start() {
    driver.vitalsChanged = { [unowned self] in handleVitalsChange() }
    report()
    guard let timeout = manager.watchdogTimeout else { return }
    // The interval leaves room for missed deadlines, for example when the machine wakes from sleep.
    feedWatchdog(every: timeout / 5)
  }

  private func feedWatchdog(every interval: Duration) {
    // A loop that no longer calls the core is as bad as a loop that hangs.
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

  /// Reports a change at once, unless a report was made within the last `pause`.
  private func handleVitalsChange() {
    if pending == nil { report() }
  }

  /// Sends messages and the current status. Messages that the manager does not take are sent again later.
  private func report(_ messages: [ServiceManager.Message] = []) {
    let status = driver.vitals.status
    unsent += messages.filter { !unsent.contains($0) }
    if manager.notify(unsent + [.status(status)]) {
      unsent = []
      reportedStatus = status
    }
    pending?.cancel()
    pending = driver.loop.schedule(after: Self.pause) { [self] in
      pending = nil
      if !unsent.isEmpty || driver.vitals.status != reportedStatus { report() }
    }
  }
}

extension Vitals {
  /// The status line for `systemctl status`.
  var status: String {
    let held = keys == 1 ? "1 key" : "\(keys) keys"
    guard isJoined else { return "Joining: \(Self.contacts(contacts)) so far" }
    switch standing {
    case .onlyNode, .alone: return "Alone: no contacts, \(held)"
    case .connected: return "Ready: \(Self.contacts(contacts)), \(held)"
    case .cutOff: return "Cut off: \(Self.contacts(contacts)), \(silent) known nodes do not answer, \(held)"
    }
  }

  private static func contacts(_ count: Int) -> String { count == 1 ? "1 contact" : "\(count) contacts" }
}
