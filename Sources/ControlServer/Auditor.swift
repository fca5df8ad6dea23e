import ControlProtocol
import EventLoop
import Logging
import NodeRuntime
import NodeTime

/// Logs clients' requests and their outcomes. A write is logged with the identity of its client.
final class Auditor {
  private let loop: EventLoop
  private let logger: Logger
  private let users: UserNames
  private var writes = WriteLog()
  private var summary: LoopTimer?
  private var lastFailures: [ControlErrorCode: Instant] = [:]
  /// The writes that are logged even if they succeed.
  var writeLogging: ControlServerSettings.WriteLogging

  init(on loop: EventLoop, _ writeLogging: ControlServerSettings.WriteLogging, logger: Logger) {
    self.loop = loop
    self.logger = logger
    self.writeLogging = writeLogging
    users = UserNames(on: loop)
  }

  /// Logs a request that has ended.
  func handleEnd(
    of request: ControlRequest, by client: PeerCredentials?, _ outcome: Result<ControlResult, ControlError>
  ) {
    // A full store, for example, fails every put. Each kind of failure is logged as a warning once a second.
    var isRepeat = false
    if case .failure(let error) = outcome {
      let now = loop.now.monotonic
      isRepeat = lastFailures[error.code].map { now.since($0) < .seconds(1) } ?? false
      if !isRepeat { lastFailures[error.code] = now }
    }
    guard request.isWrite else { return logger.log(request, outcome, isRepeat: isRepeat) }
    let isLogged = request.isForTheOperator || tryLog(client)
    let level = logger.level(of: request, outcome, isRepeat: isRepeat, isLogged: isLogged)
    guard logger.logLevel <= level else { return }
    withMetadata(of: client) { [logger] in logger.log(request, outcome, at: level, by: $0) }
  }

  /// Returns whether a write of a client is to be logged. A logged write may spend from the budget.
  private func tryLog(_ client: PeerCredentials?) -> Bool {
    switch writeLogging {
    case .all: return true
    case .none: return false
    case .limited:
      if writes.tryLog(loop.now.monotonic, client) { return true }
      if summary == nil {
        summary = loop.schedule(after: WriteLog.period) { [unowned self] in summarise() }
      }
      return false
    }
  }

  /// Logs the numbers of suppressed writes. To be called before the end, too.
  func summarise() {
    summary?.cancel()
    summary = nil
    for suppressed in writes.takeSuppressed() {
      withMetadata(of: suppressed.client) { [logger] in
        logger.info("\(suppressed.count) further writes, not logged one by one", metadata: $0)
      }
    }
  }

  private func withMetadata(of client: PeerCredentials?, _ log: @escaping (Logger.Metadata) -> Void) {
    guard let client else { return log([:]) }
    users.name(of: client.user) { name in
      log(
        .fields([
          .clientPID: "\(client.process)", .clientUID: "\(client.user)",
          .clientUser: "\(name ?? "unknown")",
        ]))
    }
  }
}
