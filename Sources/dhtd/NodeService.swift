import ControlProtocol
import ControlServer
import EventLoop
import Kademlia
import Logging
import NodeConfiguration
import NodeRuntime
import NodeTime
import Sealing
import Signatures
import Systemd

/// Runs a node with its control socket: start, reload and stop.
struct NodeService: Sendable {
  let id: NodeID
  /// Signs proofs of the ID; nil if the ID cannot be proven.
  let key: SigningKey?
  /// Signs the records of this node's users.
  let recordKey: SigningKey
  let port: UInt16
  let sources: ConfigurationSources
  let loaded: LoadedConfiguration
  /// Contacts from the last run.
  let savedContacts: [Kademlia.Peer]
  /// Nodes that were not reached at the end of the last run.
  let unreachable: UnreachableNodes
  /// The source of the private network's keys, and the keys at the start; nil in an open network.
  let keys: KeySource?
  let keyring: Keyring?
  let socket: ControlServer.Socket
  /// The state directory. Its lock is held while the node runs.
  let state: StateDirectory
  /// A SIGHUP requests a reload, unless the terminal is gone.
  let signals: Signals
  let terminal: Terminal
  let manager: ServiceManager
  let logger: Logger
  let threshold: LogThreshold

  /// Runs until a signal stops the node, or it fails.
  ///
  /// - Throws: the reason why the node cannot start, or why it failed.
  func run(on loop: EventLoop) async throws {
    var configuration = NodeSettings(loaded.configuration, id: id, key: key, port: port)
    configuration.savedContacts = savedContacts
    configuration.unreachable = unreachable
    configuration.keyring = keyring
    let runtime = try await NodeRuntime.start(
      configuration, on: loop, logger: logger,
      store: { [loaded, state, manager, logger] in
        try StoreOpener(loaded.configuration, state: state, manager: manager, logger: logger).open()
      })
    let control: ControlServer
    do {
      control = try await ControlServer.start(
        on: socket, for: runtime, ControlServerSettings(loaded.configuration),
        version: ProjectVersion.current, recordKey: recordKey, keys: keys, logger: logger)
    } catch {
      try? await runtime.stop()
      throw error
    }
    let files = loaded.files.isEmpty ? "none" : loaded.files.joined(separator: ", ")
    logger.info(
      "dhtd \(ProjectVersion.current) listens on \(runtime.addresses.map(\.description).joined(separator: ", "))",
      metadata: .fields([.nodeID: "\(id)", .config: "\(files)"]))
    if let keyring {
      logger.info(
        "the network '\(keyring.network)' is private",
        metadata: .fields([.keys: "\(keyring.keys.count)", .sealingKey: "\(keyring.sealing)"]))
    }
    let reporter = try await StatusReporter.start(on: runtime, manager)
    let serving = Task { await serve(runtime, control, reporter) }
    // Only the first request has an effect, because the node is already stopping after that.
    let stopping = Task { for await _ in signals.stops { serving.cancel() } }
    let failure = await serving.value
    stopping.cancel()
    if failure == .socketLost {
      logger.critical("lost the UDP socket; stopping", metadata: .event(.socketLost))
    }
    logger.info("stopping")
    try await reporter.stop()
    manager.notify(.stopping, .status("Stopping"))
    try await control.stop()
    save(try await runtime.knownNodes())
    try await runtime.stop()
    if let failure { throw failure }
    logger.info("stopped", metadata: .event(.stopped))
  }

  /// Joins and serves until the task is cancelled, or the node fails.
  ///
  /// - Returns: the failure; nil if the node was asked to stop.
  private func serve(
    _ runtime: NodeRuntime, _ control: ControlServer, _ reporter: StatusReporter.Handle
  ) async -> NodeFailure? {
    guard (try? await runtime.join()) != nil, (try? await reporter.ready()) != nil else {
      // If the node was not asked to stop, it has failed.
      return Task.isCancelled ? nil : await runtime.waitForFailure() ?? .socketLost
    }
    logger.info("ready", metadata: .event(.ready))
    // The task never ends by itself. It is cancelled when the other tasks have ended.
    async let _ = saveContacts(runtime)
    return await withTaskGroup(of: NodeFailure?.self) { group in
      group.addTask { await runtime.waitForFailure() }
      group.addTask {
        await reloadAtHangups(runtime, control, reporter)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// Saves the contacts whenever they change, until the task is cancelled.
  private func saveContacts(_ runtime: NodeRuntime) async {
    guard let changes = try? await runtime.contactChanges() else { return }
    var saves = 0
    for await known in changes {
      save(known)
      // The first contacts are worth the most, and each write waits for the disk. Many contacts arrive at
      // once at first, and few later.
      try? await Task.sleep(for: saves < 10 ? .seconds(1) : .seconds(10))
      saves += 1
    }
  }

  private func save(_ known: KnownNodes) {
    do throws(StateDirectoryError) {
      // A node that has lost all contacts needs the last ones after a restart.
      if !known.contacts.isEmpty { try SavedContacts.write(known.contacts, to: state) }
      try known.unreachable.write(to: state, SystemClock.now.wall)
    } catch {
      logger.warning("cannot save the contacts: \(error)")
    }
  }

  /// Reloads the configuration at each SIGHUP, until the task is cancelled or the terminal is gone.
  private func reloadAtHangups(
    _ runtime: NodeRuntime, _ control: ControlServer, _ reporter: StatusReporter.Handle
  ) async {
    var configuration = loaded.configuration
    for await _ in signals.hangups {
      guard !terminal.isGone else { return }
      manager.notify(.reloading, .status("Reloading"))
      do {
        let new = try sources.load()
        for warning in new.warnings { logger.warning("\(warning)") }
        let (result, changes) = configuration.reloaded(from: new.configuration)
        var current = NodeSettings(result, id: id, key: key, port: port)
        // The file of the start is read again. A credential is not, because the service manager keeps the
        // copy of the start and changes made since would be lost.
        if let keys, !keys.isCredential {
          current.keyring = try keys.keyring(network: result.networkName)
        }
        threshold.level = Logger.Level(result.logLevel)
        try await runtime.reconfigure(current)
        try await control.reconfigure(ControlServerSettings(result))
        configuration = result
        log(changes)
        if let keyring = current.keyring {
          logger.info(
            "keyring reloaded",
            metadata: .fields([.keys: "\(keyring.keys.count)", .sealingKey: "\(keyring.sealing)"]))
        }
      } catch let error as InvalidConfiguration {
        reject(error.lines)
      } catch let error as KeySourceError {
        reject([error.description])
      } catch {
        // The loop has stopped, and the node with it.
        return
      }
      guard (try? await reporter.ready()) != nil else { return }
      // A shell sends SIGHUP to its jobs before it releases the terminal.
      if terminal.isAttached { try? await Task.sleep(for: .seconds(1)) }
      guard !terminal.isGone else { return }
    }
  }

  private func reject(_ lines: [String]) {
    for line in lines { logger.error("\(line)", metadata: .event(.wrongConfiguration)) }
    logger.error(
      "invalid configuration; this node keeps the current one",
      metadata: .event(.wrongConfiguration))
  }

  private func log(_ changes: [ConfigurationChange]) {
    for change in changes {
      let new = change.new.isEmpty ? "none" : change.new
      if change.isInForce {
        logger.info("\(change.key) is now \(new)")
      } else {
        logger.warning("\(change.key) cannot change while the node runs; restart it to use \(new)")
      }
    }
    let count = changes.count(where: \.isInForce)
    logger.info(
      "configuration reloaded: \(count == 0 ? "no change" : "\(count) changed")",
      metadata: .event(.reloaded))
  }
}

extension NodeFailure: Error, CustomStringConvertible {
  /// A line that says what to do next.
  public var description: String {
    switch self {
    case .socketLost:
      "the UDP socket failed; see the messages before this one, and start dhtd again"
    case .storeFailed:
      "the record store failed; see the messages before this one, check that the disk works and has "
        + "space, and start dhtd again"
    }
  }
}

extension KeySource {
  /// The source of the keys that a configuration names; nil for an open network.
  init?(_ configuration: Configuration, _ environment: [String: String]) {
    self.init(named: configuration.networkKeys, environment: environment)
  }
}

extension NodeSettings {
  init(_ configuration: Configuration, id: NodeID, key: SigningKey?, port: UInt16) {
    self.init(id: id, port: port)
    identityKey = key
    // An ID that cannot be proven is one of BEP 42.
    tellsAddresses = key == nil
    let addresses = configuration.bind.compactMap { address in
      if case .address(let text) = address { text } else { nil }
    }
    if !addresses.isEmpty { binding = .addresses(addresses) }
    bootstrap = configuration.bootstrap.map { NodeName(host: $0.host, port: $0.port) }
    parameters = configuration.parameters
    storeBytes = configuration.storageBytes
    nameLookUps = configuration.nameLookUps
    maxSessions = configuration.networkSessions
  }
}

extension ControlServerSettings {
  init(_ configuration: Configuration) {
    self.init()
    clients = configuration.clients
    requestsPerClient = configuration.clientRequests
    requests = configuration.allRequests
    writeLogging =
      switch configuration.logWrites {
      case .limited: .limited
      case .all: .all
      case .none: .none
      }
  }
}
