import Kademlia
import Logging
import NIOCore
import NIOPosix

/// A running node: its sockets, its timer and its core, all on one event loop.
package struct NodeRuntime: Sendable {
  /// The loop that owns the node.
  package let eventLoop: any EventLoop
  /// The node's driver, to be used on its event loop alone.
  package let driver: NIOLoopBound<NodeDriver>
  /// What is bound, IPv4 first.
  package let addresses: [Endpoint]
  private let sockets: UDPSockets
  private let resolver: NameResolver

  /// Binds the sockets, so that the port is this node's. It answers others from here on.
  ///
  /// - Parameter makeStore: makes what keeps the records, on the loop; the node closes it when it ends.
  /// - Throws: `NodeStartError`.
  package static func start(
    _ configuration: NodeConfiguration, on eventLoop: any EventLoop, logger: Logger,
    store makeStore: @escaping @Sendable () throws -> any RecordStorage
  ) async throws -> NodeRuntime {
    let sockets = try await UDPSockets.bind(configuration, on: eventLoop)
    let resolver = NameResolver()
    resolver.start()
    let channels = sockets.all.map(\.channel)
    let driver = try await eventLoop.submit {
      let driver = NodeDriver(
        configuration, store: try makeStore(), sockets: sockets, resolver: resolver, eventLoop: eventLoop,
        logger: logger)
      for channel in channels {
        try channel.pipeline.syncOperations.addHandler(DatagramHandler(driver))
      }
      return NIOLoopBound(driver, eventLoop: eventLoop)
    }.get()
    for channel in channels { try await channel.setOption(.autoRead, value: true).get() }
    return NodeRuntime(
      eventLoop: eventLoop, driver: driver, addresses: sockets.endpoints, sockets: sockets,
      resolver: resolver)
  }

  /// Joins the network. Returns when the first join has ended and operations begin: the node is
  /// ready.
  package func join() async throws {
    let promise = eventLoop.makePromise(of: Void.self)
    eventLoop.execute {
      driver.value.whenJoined(promise)
      driver.value.start()
    }
    try await withTaskCancellationHandler {
      try await promise.futureResult.get()
    } onCancel: {
      eventLoop.execute { driver.value.stopWaiting() }
    }
  }

  /// Waits until the node has stopped of itself.
  ///
  /// - Returns: why it has; nil if the task was cancelled first.
  package func hasEnded() async throws -> NodeFailure? {
    let promise = eventLoop.makePromise(of: NodeFailure?.self)
    eventLoop.execute { driver.value.whenEnded(promise) }
    return try await withTaskCancellationHandler {
      try await promise.futureResult.get()
    } onCancel: {
      eventLoop.execute { driver.value.stopWaiting() }
    }
  }

  /// Gives the contacts, those that have answered last before the others, whenever some have come or
  /// gone. There is one such sequence: a further call ends the one before.
  package func contactChanges() async throws -> AsyncStream<[Peer]> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: [Peer].self, bufferingPolicy: .bufferingNewest(1))
    try await eventLoop.submit {
      let driver = driver.value
      driver.contactsChanged = { [unowned driver] in continuation.yield(driver.node.latestContacts) }
      if !driver.node.table.isEmpty { continuation.yield(driver.node.latestContacts) }
    }.get()
    return stream
  }

  /// The contacts, those that have answered last before the others.
  package func latestContacts() async throws -> [Peer] {
    try await eventLoop.submit { driver.value.latestContacts }.get()
  }

  /// Takes the numbers, bootstrap names and limits of another configuration while it runs. The ID,
  /// the port and the addresses stay.
  package func reconfigure(_ configuration: NodeConfiguration) async throws {
    try await eventLoop.submit { driver.value.reconfigure(configuration) }.get()
  }

  /// Closes the sockets. What was under way ends without an outcome.
  package func stop() async throws {
    try await eventLoop.submit { driver.value.stop() }.get()
    await sockets.close()
    resolver.stop()
  }
}
