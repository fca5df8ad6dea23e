import ControlProtocol
import ControlServer
import Glibc
import Kademlia
import Logging
import NIOCore
import NIOPosix
import NodeRuntime
import ServiceLifecycle

/// One dhtd from its start to its end: the composition root.
struct Daemon {
  private let command: Dhtd
  private let bootstrap: [HostPort]
  private let logger = Logger(label: "dhtd")

  init(_ command: Dhtd) throws {
    self.command = command
    self.bootstrap = try command.bootstrapAddresses()
  }

  /// Runs until SIGTERM, SIGINT, or the SIGHUP of a terminal that closes.
  func run() async throws {
    let instance = Instance(port: command.port)
    let context = Instance.Context(uid: geteuid(), environment: ProcessEnvironment.all)
    let socketPath = try SocketPath(command.controlSocket ?? instance.controlSocket(context))
    let state = try StateDirectory(command.stateDir ?? instance.stateDirectory(context))
    let key = try NodeKey(in: state)

    var configuration = NodeConfiguration(id: key.id, port: command.port)
    if !command.bind.isEmpty { configuration.binding = .addresses(command.bind) }
    configuration.bootstrap = bootstrap.map { NodeName(host: $0.host, port: $0.port) }

    // One loop does all: a node waits for the network and not for a processor.
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let service = NodeService(
      configuration: configuration, socketPath: socketPath, state: state, eventLoop: group.next(),
      logger: logger)
    let services = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(
            service: service, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup)
        ],
        gracefulShutdownSignals: [.sigterm, .sigint, .sighup],
        // It says little that an operator wants to read; starting and stopping is logged by the service.
        logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
    do {
      try await services.run()
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
    try await group.shutdownGracefully()
  }
}

/// The system has closed the node's UDP socket.
struct SocketLost: Error, CustomStringConvertible {
  let description = "the UDP socket failed; look at the messages before this one, and start dhtd again"
}

/// The node with its control socket, as a service that starts and stops.
struct NodeService: Service {
  let configuration: NodeConfiguration
  let socketPath: SocketPath
  /// Held for its lock.
  let state: StateDirectory
  let eventLoop: any EventLoop
  let logger: Logger

  func run() async throws {
    let runtime = try await NodeRuntime.start(configuration, on: eventLoop, logger: logger)
    let control: ControlServer
    do {
      control = try await ControlServer.start(
        at: socketPath, for: runtime, version: ProjectVersion.current, logger: logger)
    } catch {
      try? await runtime.stop()
      throw error
    }
    let addresses = runtime.addresses.map(\.description).joined(separator: ", ")
    logger.info(
      "dhtd \(ProjectVersion.current) listens on \(addresses)",
      metadata: ["node": "\(configuration.id)", "control": "\(control.path)"])
    let hasFailed = await cancelWhenGracefulShutdown {
      guard (try? await runtime.join()) != nil else { return false }
      logger.info("ready")
      return (try? await runtime.hasEnded()) ?? false
    }
    logger.info("stopping")
    try await control.stop()
    try await runtime.stop()
    withExtendedLifetime(state) {}
    if hasFailed { throw SocketLost() }
    logger.info("stopped")
  }
}
