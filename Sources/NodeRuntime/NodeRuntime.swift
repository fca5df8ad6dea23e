package import EventLoop
package import Kademlia
package import Logging
import Synchronization

/// A running node: its sockets, its timer and its core, all on one event loop.
package struct NodeRuntime: Sendable {
  /// The loop that owns the node.
  package let loop: EventLoop
  /// The node's driver, to be used on its event loop alone.
  package let driver: LoopBound<NodeDriver>
  /// The bound addresses, IPv4 first.
  package let addresses: [Endpoint]

  /// Binds the sockets and begins to answer other nodes.
  ///
  /// - Parameter makeStore: makes the record store, on the loop; the node closes it when it stops.
  /// - Throws: `NodeStartError`, and the error of `makeStore`.
  package static func start(
    _ settings: NodeSettings, on loop: EventLoop, logger: Logger,
    store makeStore: @escaping @Sendable () throws -> any RecordStorage
  ) async throws -> NodeRuntime {
    try await loop.run {
      // The port comes first, because a process that uses the port has the store open, too.
      let sockets = try UDPSockets(settings)
      let driver = NodeDriver(
        settings, store: try makeStore(), sockets: sockets, loop: loop, logger: logger)
      try driver.listen()
      return NodeRuntime(
        loop: loop, driver: LoopBound(driver, on: loop), addresses: sockets.endpoints)
    }
  }

  /// Joins the network. Returns when the first join has ended and operations begin: the node is ready.
  ///
  /// - Throws: `CancellationError` if the task was cancelled or the node has stopped.
  package func join() async throws {
    loop.execute { driver.value.start() }
    guard await wait(or: false, for: { $0.whenJoined($1) }) else { throw CancellationError() }
  }

  /// Waits until the node has stopped by itself.
  ///
  /// - Returns: the reason; nil if the task was cancelled first.
  package func waitForFailure() async -> NodeFailure? {
    await wait(or: nil) { $0.whenFailed($1) }
  }

  /// Waits until the driver calls back, or the task is cancelled.
  private func wait<Result: Sendable>(
    or ifCancelled: Result,
    for begin: @escaping @Sendable (NodeDriver, @escaping (Result) -> Void) -> Void
  ) async -> Result {
    // A task may be cancelled before its wait has begun. There is no callback to call yet.
    let isCancelled = Mutex(false)
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isTaken = loop.execute {
          guard !isCancelled.withLock(\.self) else {
            continuation.resume(returning: ifCancelled)
            return
          }
          begin(driver.value) { continuation.resume(returning: $0) }
        }
        if !isTaken { continuation.resume(returning: ifCancelled) }
      }
    } onCancel: {
      isCancelled.withLock { $0 = true }
      loop.execute { driver.value.stopWaiting() }
    }
  }

  /// Gives the known nodes whenever a contact comes or goes. There is one such sequence: a further call ends the one
  /// before.
  package func contactChanges() async throws -> AsyncStream<KnownNodes> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: KnownNodes.self, bufferingPolicy: .bufferingNewest(1))
    try await loop.run {
      let driver = driver.value
      driver.contactsChanged = { [unowned driver] in continuation.yield(driver.knownNodes) }
      if !driver.node.table.isEmpty { continuation.yield(driver.knownNodes) }
    }
    return stream
  }

  /// The other nodes that this node knows.
  package func knownNodes() async throws -> KnownNodes {
    try await loop.run { driver.value.knownNodes }
  }

  /// Applies the parameters, bootstrap names and limits of other settings. The ID, the port and the
  /// addresses stay.
  package func reconfigure(_ settings: NodeSettings) async throws {
    try await loop.run { driver.value.reconfigure(settings) }
  }

  /// Closes the sockets. Running operations end without an outcome.
  package func stop() async throws {
    try await loop.run { driver.value.stop() }
  }
}
