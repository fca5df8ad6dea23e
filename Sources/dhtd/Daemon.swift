import ControlProtocol
import ControlServer
import EventLoop
import Glibc
import Kademlia
import Logging
import NodeConfiguration
import NodeRuntime
import NodeTime
import Sealing
import Systemd

/// Runs a dhtd from its start to its end. It is the composition root.
struct Daemon {
  let instance: Instance
  let environment: [String: String]
  let sources: ConfigurationSources
  let loaded: LoadedConfiguration
  let logs: Logs

  /// Runs until SIGTERM or SIGINT, or until the terminal that it was started from is gone. Then the process
  /// exits. Call it on the main thread before there are other threads.
  ///
  /// - Throws: the reason why the node cannot start, if it is known before the node starts threads.
  func run() throws -> Never {
    let terminal = Terminal()
    // From here on, a SIGHUP does not end the process, even while the node is starting.
    Signals.block(SIGHUP)
    let signals = Signals()
    let service = try service(terminal, signals)
    // The work before this point, such as reading a key from a pipe, may take long. Until now the signals
    // end the process.
    Signals.block(SIGTERM, SIGINT)
    Task {
      do {
        // One loop does all the work, because a node waits for the network and not for a processor.
        let loop = try EventLoop()
        do {
          try await service.run(on: loop)
        } catch {
          await loop.stop()
          throw error
        }
        await loop.stop()
        Glibc.exit(0)
      } catch {
        Dhtd.end(with: error)
      }
    }
    signals.deliver()
  }

  /// The node, with everything that is read and checked before it starts.
  private func service(_ terminal: Terminal, _ signals: Signals) throws -> NodeService {
    let context = Instance.Context(uid: geteuid(), environment: environment)
    let socket = try controlSocket(context)
    let state = try StateDirectory(
      loaded.configuration.stateDirectory ?? instance.stateDirectory(context))
    let keys = KeySource(loaded.configuration, environment)
    let keyring = try keys?.keyring(network: loaded.configuration.networkName)
    try NetworkMarker.check(keyring?.network, in: state)
    let key = try NodeKey(in: state)
    let recordKey = try RecordKey.load(from: state)
    var logger = Logger(label: "dhtd")
    let configuration = loaded.configuration
    let id = configuration.nodeID(of: key)
    logger[metadataKey: LogField.nodeID.rawValue] = "\(id)"
    for warning in loaded.warnings { logger.warning("\(warning)") }
    if keyring == nil, configuration.networkName != Configuration().networkName {
      logger.warning("network.name has no effect without network.keys: this node is in an open network")
    }
    let savedContacts: [Kademlia.Peer]
    do throws(StateDirectoryError) {
      savedContacts = try SavedContacts.read(from: state)
    } catch {
      // A node can join without them.
      logger.warning("cannot read the saved contacts: \(error)")
      savedContacts = []
    }
    let unreachable: UnreachableNodes
    do throws(StateDirectoryError) {
      unreachable = try UnreachableNodes(from: state, SystemClock.now.wall)
    } catch {
      // The node then judges its network by the nodes that it reaches.
      logger.warning("cannot read the unreachable nodes: \(error)")
      unreachable = UnreachableNodes()
    }
    return NodeService(
      id: id, key: configuration.networkID == .key ? key.key : nil, recordKey: recordKey, port: instance.port,
      sources: sources, loaded: loaded,
      savedContacts: savedContacts, unreachable: unreachable, keys: keys, keyring: keyring,
      socket: socket, state: state, signals: signals, terminal: terminal,
      manager: ServiceManager(environment: environment), logger: logger,
      threshold: logs.threshold)
  }

  /// The socket that a systemd unit made for this node, or the path of a socket to make.
  private func controlSocket(_ context: Instance.Context) throws -> ControlServer.Socket {
    if let descriptor = try SocketActivation.takeControlSocket() { return .listening(descriptor) }
    let configuration = loaded.configuration
    return .path(
      try SocketPath(configuration.controlSocket ?? instance.controlSocket(context)),
      mode: configuration.controlMode, group: configuration.controlGroup)
  }
}

extension Configuration {
  /// The node ID for a key.
  fileprivate func nodeID(of key: NodeKey) -> NodeID {
    guard networkID == .bep42, let address = addressOfID.flatMap({ IPAddress($0) }) else { return key.id }
    // The ID depends on the key alone, so that it is the same at the next start.
    return NodeID(bep42For: address, seed: key.id)
  }
}
