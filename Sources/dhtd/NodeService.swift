import Configuration
import ControlProtocol
import ControlServer
import Kademlia
import Logging
import NIOCore
import NodeRuntime
import ServiceLifecycle
import Systemd
import UnixSignals

/// The node with its control socket, as a service that starts, reloads and stops.
struct NodeService: Service {
  let id: NodeID
  let port: UInt16
  let sources: ConfigurationSources
  let loaded: LoadedConfiguration
  let socket: ControlServer.Socket
  /// Held for its lock.
  let state: StateDirectory
  /// Each asks for a reload, unless the terminal is gone.
  let hangups: UnixSignalsSequence
  let terminal: Terminal
  let eventLoop: any EventLoop
  let logger: Logger
  let threshold: LogThreshold

  func run() async throws {
    let manager = ServiceManager()
    let configuration = NodeConfiguration(loaded.configuration, id: id, port: port)
    let runtime = try await NodeRuntime.start(configuration, on: eventLoop, logger: logger)
    let control: ControlServer
    do {
      control = try await ControlServer.start(
        on: socket, for: runtime, version: ProjectVersion.current, logger: logger)
    } catch {
      try? await runtime.stop()
      throw error
    }
    let files = loaded.files.isEmpty ? "none" : loaded.files.joined(separator: ", ")
    logger.info(
      "dhtd \(ProjectVersion.current) listens on \(runtime.addresses.map(\.description).joined(separator: ", "))",
      metadata: ["node_id": "\(id)", "config": "\(files)"])
    let reporter = try await StatusReporter.start(on: runtime, manager)
    let hasFailed = await cancelWhenGracefulShutdown {
      await serve(runtime, manager, reporter)
    }
    if hasFailed { logger.critical("lost the UDP socket; this node ends", metadata: .event(.socketLost)) }
    manager.notify(.stopping, .status("Stopping"))
    logger.info("stopping")
    try await reporter.stop()
    try await control.stop()
    try await runtime.stop()
    withExtendedLifetime(state) {}
    if hasFailed { throw SocketLost() }
    logger.info("stopped", metadata: .event(.stopped))
  }

  /// Joins and serves until the task is cancelled, or the node fails.
  ///
  /// - Returns: whether it has failed.
  private func serve(
    _ runtime: NodeRuntime, _ manager: ServiceManager, _ reporter: StatusReporter.Handle
  ) async -> Bool {
    guard (try? await runtime.join()) != nil, (try? await reporter.ready()) != nil else { return false }
    logger.info("ready", metadata: .event(.ready))
    return await withTaskGroup(of: Bool.self) { group in
      group.addTask { (try? await runtime.hasEnded()) ?? false }
      group.addTask {
        await reloadAtHangups(runtime, manager, reporter)
        return false
      }
      defer { group.cancelAll() }
      return await group.next() ?? false
    }
  }

  /// Reads the configuration again whenever asked to, until the task is cancelled or the terminal gone.
  private func reloadAtHangups(
    _ runtime: NodeRuntime, _ manager: ServiceManager, _ reporter: StatusReporter.Handle
  ) async {
    var configuration = loaded.configuration
    for await _ in hangups {
      guard !terminal.isGone else { return }
      manager.notify(.reloading, .status("Reloading"))
      do {
        let new = try sources.load()
        for warning in new.warnings { logger.warning("\(warning)") }
        let (result, changes) = configuration.reloaded(from: new.configuration)
        threshold.level = Logger.Level(result.logLevel)
        try await runtime.reconfigure(NodeConfiguration(result, id: id, port: port))
        configuration = result
        log(changes)
      } catch let error as InvalidConfiguration {
        for problem in error.problems { logger.error("\(problem)", metadata: .event(.reloadRefused)) }
        logger.error(
          "the configuration is wrong; this node goes on with the one it has",
          metadata: .event(.reloadRefused))
      } catch {
        // The loop has ended, and with it the node.
        return
      }
      guard (try? await reporter.ready()) != nil else { return }
    }
  }

  private func log(_ changes: [ConfigurationChange]) {
    for change in changes {
      let new = change.new.isEmpty ? "none" : change.new
      if change.isInForce {
        logger.info("\(change.key) is now \(new)")
      } else {
        logger.warning("\(change.key) cannot change while the node runs; restart it for \(new)")
      }
    }
    let count = changes.count(where: \.isInForce)
    logger.info(
      "configuration reloaded: \(count == 0 ? "nothing new" : "\(count) changed")",
      metadata: .event(.reloaded))
  }
}

/// The system has closed the node's UDP socket.
struct SocketLost: Error, CustomStringConvertible {
  let description = "the UDP socket failed; look at the messages before this one, and start dhtd again"
}

extension NodeConfiguration {
  init(_ configuration: Configuration, id: NodeID, port: UInt16) {
    self.init(id: id, port: port)
    let addresses = configuration.bind.compactMap { address in
      if case .address(let text) = address { text } else { nil }
    }
    if !addresses.isEmpty { binding = .addresses(addresses) }
    bootstrap = configuration.bootstrap.map { NodeName(host: $0.host, port: $0.port) }
    parameters = configuration.parameters
    storeBytes = configuration.storageBytes
  }
}
