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
    // A full store, say, fails every put: one failure a second of each kind is logged as a warning.
    var isRepeat = false
    if case .failure(let error) = outcome {
      let now = loop.now.monotonic
      isRepeat = lastFailures[error.code].map { now.since($0) < .seconds(1) } ?? false
      if !isRepeat { lastFailures[error.code] = now }
    }
    guard request.isWrite else { return logger.log(request, outcome, isRepeat: isRepeat) }
    let isLogged = request.isForTheOperator || isLogged(client)
    let level = logger.level(of: request, outcome, isRepeat: isRepeat, isLogged: isLogged)
    guard logger.logLevel <= level else { return }
    withMetadata(of: client) { [logger] in logger.log(request, outcome, at: level, by: $0) }
  }

  private func isLogged(_ client: PeerCredentials?) -> Bool {
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
      log([
        "client_pid": "\(client.process)", "client_uid": "\(client.user)",
        "client_user": "\(name ?? "unknown")",
      ])
    }
  }
}
