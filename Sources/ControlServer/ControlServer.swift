package import ControlProtocol
import EventLoop
import Glibc
import Kademlia
package import Logging
package import NodeRuntime
package import Signatures
import SystemPackage

/// Serves the control socket on the node's event loop, so that a request reaches the core without changing
/// threads.
package struct ControlServer: Sendable {
  /// The file that this server made; nil if it was handed a socket.
  private let file: ControlSocketFile?
  private let listener: LoopBound<Listener>

  /// The socket to serve.
  package enum Socket: Sendable {
    /// A socket to make at this path, with the permissions of its file, and its group.
    case path(SocketPath, mode: Int, group: String)
    /// A socket that is bound and listens already. Its creator removes its file.
    case listening(Int32)
  }

  /// Makes the socket if needed, and begins to serve it.
  ///
  /// - Parameters:
  ///   - settings: the limits of the server.
  ///   - version: the daemon's version for `status`.
  ///   - recordKey: signs the records of clients without a key of their own.
  ///   - keys: where changes of the keyring are written; nil in an open network.
  /// - Throws: `ControlSocketError`; an `Errno`, if the system does not watch the socket.
  package static func start(
    on socket: Socket, for runtime: NodeRuntime, _ settings: ControlServerSettings, version: String,
    recordKey: SigningKey, keys: KeySource?, logger: Logger
  ) async throws -> ControlServer {
    let file: ControlSocketFile?
    let descriptor: Int32
    switch socket {
    case .path(let path, let mode, let group):
      let made = try ControlSocketFile(path, mode: mode, group: group)
      (file, descriptor) = (made, made.descriptor)
    case .listening(let handedOver):
      (file, descriptor) = (nil, handedOver)
    }
    do {
      return try await runtime.loop.run {
        let auditor = Auditor(on: runtime.loop, settings.writeLogging, logger: logger)
        let service = ControlService(
          runtime.driver.value, version: version, recordKey: recordKey,
          keyring: KeyringService(KeyringEditor(runtime.driver.value, keys, logger)), auditor: auditor)
        let connections = Connections(
          service: service, settings, auditor: auditor, loop: runtime.loop, logger: logger)
        let listener = try Listener(descriptor, connections)
        return ControlServer(file: file, listener: LoopBound(listener, on: runtime.loop))
      }
    } catch {
      file?.remove()
      throw error
    }
  }

  /// Applies new limits. Connected clients stay connected.
  package func reconfigure(_ settings: ControlServerSettings) async throws {
    try await listener.loop.run { listener.value.reconfigure(settings) }
  }

  /// Stops serving, and removes the socket if this server made it.
  package func stop() async throws {
    file?.remove()
    try await listener.loop.run { listener.value.close() }
  }
}

/// Accepts clients.
final class Listener: DescriptorWatcher {
  private let descriptor: Int32
  private let connections: Connections
  private var watch: WatchID?
  /// Set while the system has no descriptors left for further clients.
  private var pause: LoopTimer?
  /// True if the shortage was logged.
  private var hasLoggedShortage = false

  /// The most clients accepted in one iteration of the loop.
  private static let maxAcceptsPerIteration = 16

  /// - Throws: the cause, if the system does not watch the socket.
  init(_ descriptor: Int32, _ connections: Connections) throws(Errno) {
    self.descriptor = descriptor
    self.connections = connections
    // A socket from systemd may be in blocking mode.
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    do throws(Errno) {
      watch = try connections.loop.watch(descriptor, for: .readable, self)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    connections.start()
  }

  func handleReadiness(_ readiness: Readiness) {
    for _ in 0..<Self.maxAcceptsPerIteration {
      do throws(Errno) {
        connections.add(try EventLoop.accept(from: descriptor))
        hasLoggedShortage = false
      } catch {
        switch error {
        case .interrupted, .connectionAbort: continue
        case .wouldBlock: return
        default: return waitForRoom(error)
        }
      }
    }
  }

  /// The system is out of a resource, such as descriptors. Accepting is retried after a second.
  private func waitForRoom(_ error: Errno) {
    if !hasLoggedShortage {
      hasLoggedShortage = true
      connections.logger.warning(
        "cannot accept a client of the control socket", metadata: .fields([.reason: "\(error)"]))
    }
    guard let watch, pause == nil else { return }
    connections.loop.change(watch, to: [])
    pause = connections.loop.schedule(after: .seconds(1)) { [unowned self] in
      pause = nil
      connections.loop.change(watch, to: .readable)
    }
  }

  func reconfigure(_ settings: ControlServerSettings) { connections.reconfigure(settings) }

  func close() {
    guard let watch else { return }
    self.watch = nil
    pause?.cancel()
    connections.loop.end(watch)
    Glibc.close(descriptor)
    connections.closeAll()
  }
}

/// The clients that are connected.
///
/// `@safe`: it owns its buffer. Connections use it on the loop's thread only, and keep no pointer to it.
@safe final class Connections {
  let service: ControlService
  let loop: EventLoop
  let logger: Logger
  /// The limits of all connections.
  private(set) var settings: ControlServerSettings
  /// Requests of all clients that are being carried out.
  var requestsInFlight = 0
  private let auditor: Auditor
  private var connections: [ObjectIdentifier: ControlConnection] = [:]
  private var clients: UInt64 = 0
  /// The connections with answers that wait for the end of the iteration.
  private var unflushed: [ControlConnection] = []
  /// The buffer into which every connection reads.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

  init(
    service: ControlService, _ settings: ControlServerSettings, auditor: Auditor, loop: EventLoop,
    logger: Logger
  ) {
    self.service = service
    self.settings = settings
    self.auditor = auditor
    self.loop = loop
    self.logger = logger
  }

  /// Begins to flush answers at the end of each iteration. `closeAll` ends it.
  func start() {
    loop.onIterationEnd(for: self) { [unowned self] in flush() }
  }

  // No connection is left that could read into the buffer.
  deinit { unsafe readBuffer.deallocate() }

  func reconfigure(_ new: ControlServerSettings) {
    settings = new
    auditor.writeLogging = new.writeLogging
  }

  /// A new name for a client, never used before.
  func nextClient() -> ClientID {
    clients += 1
    return ClientID(rawValue: clients)
  }

  /// Serves a client, or rejects it if the limit of clients is reached.
  func add(_ descriptor: Int32) {
    let isOverLimit = connections.count >= settings.clients
    // Rejected clients are given a moment to read the error, unless there are too many of them.
    let isFarOverLimit = connections.count >= settings.clients * 2
    do throws(Errno) {
      let connection = try ControlConnection(descriptor, self)
      connections[ObjectIdentifier(connection)] = connection
      if isOverLimit { connection.reject() }
      if isFarOverLimit { connection.close() }
    } catch {
      logger.warning("cannot serve a client of the control socket", metadata: .fields([.reason: "\(error)"]))
      close(descriptor)
    }
  }

  func remove(_ connection: ControlConnection) {
    connections[ObjectIdentifier(connection)] = nil
  }

  /// Sends the answers of a client when this iteration of the loop ends.
  func flushLater(_ connection: ControlConnection) { unflushed.append(connection) }

  private func flush() {
    let waiting = unflushed
    unflushed = []
    for connection in waiting { connection.flush() }
    // If sending made room for more answers, other work comes first.
    if !unflushed.isEmpty { loop.requestIteration() }
  }

  func closeAll() {
    for connection in connections.values { connection.shutDown() }
    auditor.summarise()
    loop.removeIterationEnd(for: self)
  }
}
