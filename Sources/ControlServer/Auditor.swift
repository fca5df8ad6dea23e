import ControlProtocol
import EventLoop
import Logging
import NodeRuntime
import NodeTime

/// Logs what clients ask for and what came of it; of writes, who the client is.
final class Auditor {
  private let loop: EventLoop
  private let logger: Logger
  private let users: UserNames
  private var writes = WriteLog()
  private var summary: LoopTimer?
  private var lastFailures: [ControlErrorCode: Instant] = [:]
  /// Which writes are logged although all went well.
  var writeLogging: ControlServerSettings.WriteLogging

  init(on loop: EventLoop, _ writeLogging: ControlServerSettings.WriteLogging, logger: Logger) {
    self.loop = loop
    self.logger = logger
    self.writeLogging = writeLogging
    users = UserNames(on: loop)
  }

  /// A request has ended.
  func ended(
    _ request: ControlRequest, of client: PeerCredentials?, _ outcome: Result<ControlResult, ControlError>
  ) {
    // A full store, say, fails every put: one a second of each kind of failure is told as a warning.
    var isNews = true
    if case .failure(let error) = outcome {
      let now = loop.now.monotonic
      isNews = lastFailures[error.code].map { now.since($0) >= .seconds(1) } ?? true
      if isNews { lastFailures[error.code] = now }
    }
    guard request.isWrite else { return logger.log(request, outcome, isNews: isNews) }
    let isTold = request.isForTheOperator || isTold(client)
    let level = logger.level(of: request, outcome, isNews: isNews, isTold: isTold)
    guard logger.logLevel <= level else { return }
    withMetadata(of: client) { [logger] in logger.log(request, outcome, at: level, by: $0) }
  }

  private func isTold(_ client: PeerCredentials?) -> Bool {
    switch writeLogging {
    case .all: return true
    case .none: return false
    case .limited:
      if writes.note(loop.now.monotonic, client) { return true }
      if summary == nil {
        summary = loop.schedule(after: WriteLog.period) { [unowned self] in summarise() }
      }
      return false
    }
  }

  /// Tells what was only counted. To be called before the end, too.
  func summarise() {
    summary?.cancel()
    summary = nil
    for untold in writes.takeUntold() {
      withMetadata(of: untold.client) { [logger] in
        logger.info("\(untold.count) further writes, not logged one by one", metadata: $0)
      }
    }
  }

  private func withMetadata(of client: PeerCredentials?, _ log: @escaping (Logger.Metadata) -> Void) {
    guard let client else { return log([:]) }
    users.name(of: client.user) { name in
      log([
        "client_pid": "\(client.process)", "client_uid": "\(client.user)",
        "client_user": "\(name ?? "unknown")",
      ])
    }
  }
}
