import ControlProtocol
import ControlServer
import EventLoop
import Kademlia
import Logging
import NodeConfiguration
import NodeRuntime
import Sealing
import Signatures
import Systemd

/// The node with its control socket: starts, reloads and stops.
struct NodeService: Sendable {
  let id: NodeID
  /// Proves the ID; nil where it cannot be proven.
  let key: SigningKey?
  /// Signs the records of this node's users.
  let recordKey: SigningKey
  let port: UInt16
  let sources: ConfigurationSources
  let loaded: LoadedConfiguration
  /// Contacts of the time before.
  let savedContacts: [Kademlia.Peer]
  /// Where the keys of the private network are, and those that were there at the start; nil in an open one.
  let keys: KeySource?
  let keyring: Keyring?
  let socket: ControlServer.Socket
  /// What outlives the node; held for its lock, too.
  let state: StateDirectory
  /// A hangup asks for a reload, unless the terminal is gone.
  let signals: Signals
  let terminal: Terminal
  let manager: ServiceManager
  let logger: Logger
  let threshold: LogThreshold

  /// Runs until a signal asks the node to stop, or it fails.
  ///
  /// - Throws: the reason why the node cannot start, or why it has failed.
  func run(on loop: EventLoop) async throws {
    var configuration = NodeSettings(loaded.configuration, id: id, key: key, port: port)
    configuration.savedContacts = savedContacts
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
      metadata: ["node_id": "\(id)", "config": "\(files)"])
    if let keyring {
      logger.info(
        "the network '\(keyring.network)' is private",
        metadata: ["keys": "\(keyring.keys.count)", "sealing_key": "\(keyring.sealing)"])
    }
    let reporter = try await StatusReporter.start(on: runtime, manager)
    let serving = Task { await serve(runtime, control, reporter) }
    // The first request counts. The others change nothing: the node stops already.
    let stopping = Task { for await _ in signals.stops { serving.cancel() } }
    let failure = await serving.value
    stopping.cancel()
    if failure == .socketLost {
      logger.critical("lost the UDP socket; this node ends", metadata: .event(.socketLost))
    }
    logger.info("stopping")
    try await reporter.stop()
    manager.notify(.stopping, .status("Stopping"))
    try await control.stop()
    save(try await runtime.latestContacts())
    try await runtime.stop()
    if let failure { throw failure }
    logger.info("stopped", metadata: .event(.stopped))
  }

  /// Joins and serves until the task is cancelled, or the node fails.
  ///
  /// - Returns: why it has failed; nil if it was asked to stop.
  private func serve(
    _ runtime: NodeRuntime, _ control: ControlServer, _ reporter: StatusReporter.Handle
  ) async -> NodeFailure? {
    guard (try? await runtime.join()) != nil, (try? await reporter.ready()) != nil else {
      // Unless it was asked to stop, it has stopped of itself.
      return Task.isCancelled ? nil : await runtime.waitForFailure() ?? .socketLost
    }
    logger.info("ready", metadata: .event(.ready))
    // It never ends by itself, and is cancelled when the others have.
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

  /// Saves the contacts whenever some have come or gone, until the task is cancelled.
  private func saveContacts(_ runtime: NodeRuntime) async {
    guard let changes = try? await runtime.contactChanges() else { return }
    var saves = 0
    for await contacts in changes {
      save(contacts)
      // The first is worth the most, and each write waits for the disk: at first a crowd comes at once,
      // and later there is time.
      try? await Task.sleep(for: saves < 10 ? .seconds(1) : .seconds(10))
      saves += 1
    }
  }

  private func save(_ contacts: [Kademlia.Peer]) {
    // Who has lost them all wants the last ones back.
    guard !contacts.isEmpty else { return }
    do throws(StateDirectoryError) {
      try SavedContacts.write(contacts, to: state)
    } catch {
      logger.warning("the contacts cannot be saved: \(error)")
    }
  }

  /// Reads the configuration again whenever asked to, until the task is cancelled or the terminal gone.
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
        // The same file as at the start, and what is in it now. A credential stays as it was at the start: what
        // was changed since would be gone with it.
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
            "keyring read again",
            metadata: ["keys": "\(keyring.keys.count)", "sealing_key": "\(keyring.sealing)"])
        }
      } catch let error as InvalidConfiguration {
        refuse(error.lines)
      } catch let error as KeySourceError {
        refuse([error.description])
      } catch {
        // The loop has ended, and with it the node.
        return
      }
      guard (try? await reporter.ready()) != nil else { return }
      // A shell tells its jobs that it ends, and only then lets go of the terminal.
      if terminal.isAttached { try? await Task.sleep(for: .seconds(1)) }
      guard !terminal.isGone else { return }
    }
  }

  private func refuse(_ lines: [String]) {
    for line in lines { logger.error("\(line)", metadata: .event(.wrongConfiguration)) }
    logger.error(
      "the configuration is wrong; this node goes on with the one it has",
      metadata: .event(.wrongConfiguration))
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

extension NodeFailure: Error, CustomStringConvertible {
  /// One line for a person, with what to do next.
  public var description: String {
    switch self {
    case .socketLost:
      "the UDP socket failed; look at the messages before this one, and start dhtd again"
    case .storeFailed:
      "the record store failed; look at the messages before this one, see that the disk is sound and has "
        + "room, and start dhtd again"
    }
  }
}

extension KeySource {
  /// Where the keys are that a configuration means; nil if it means an open network.
  init?(_ configuration: Configuration, _ environment: [String: String]) {
    self.init(named: configuration.networkKeys, environment: environment)
  }
}

extension NodeSettings {
  init(_ configuration: Configuration, id: NodeID, key: SigningKey?, port: UInt16) {
    self.init(id: id, port: port)
    identityKey = key
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
