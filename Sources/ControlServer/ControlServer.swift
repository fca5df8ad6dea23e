import ControlProtocol
import Kademlia
import Logging
import NIOCore
import NIOPosix
import NodeRuntime

/// Serves the control socket, on the event loop of the node: a request reaches the core without
/// changing threads.
package struct ControlServer: Sendable {
  /// The file that this server has made; nil where it was handed a socket.
  private let file: ControlSocketFile?
  private let channel: any Channel
  private let connections: NIOLoopBound<Connections>

  /// The socket that is served.
  package enum Socket: Sendable {
    /// One that is made at this path.
    case path(SocketPath)
    /// One that is bound and listens already; its file is another's to remove.
    case listening(Int32)
  }

  /// Makes the socket, if need be, and begins to serve it.
  ///
  /// - Parameter version: what `status` says of the daemon's version.
  /// - Throws: `ControlSocketError`.
  package static func start(
    on socket: Socket, for runtime: NodeRuntime, version: String, logger: Logger
  ) async throws -> ControlServer {
    let file: ControlSocketFile?
    let descriptor: Int32
    switch socket {
    case .path(let path):
      let made = try ControlSocketFile(path)
      (file, descriptor) = (made, made.descriptor)
    case .listening(let handedOver):
      (file, descriptor) = (nil, handedOver)
    }
    let eventLoop = runtime.eventLoop
    let connections = try await eventLoop.submit {
      let service = ControlService(runtime.driver.value, version: version, logger: logger)
      return NIOLoopBound(Connections(service: service, logger: logger), eventLoop: eventLoop)
    }.get()
    do {
      let channel = try await ServerBootstrap(group: eventLoop)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ControlConnection(connections.value))
          }
        }
        // `echo … | nc -N` says its line, closes its half, and waits for the answer.
        .childChannelOption(.allowRemoteHalfClosure, value: true)
        .childChannelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10))
        .withBoundSocket(descriptor).get()
      return ControlServer(file: file, channel: channel, connections: connections)
    } catch {
      file?.remove()
      throw error
    }
  }

  /// Stops to serve, and removes the socket if this server has made it.
  package func stop() async throws {
    file?.remove()
    try? await channel.close()
    try await channel.eventLoop.submit { connections.value.closeAll() }.get()
  }
}

/// The clients that are connected.
final class Connections {
  let service: ControlService
  let logger: Logger
  private var channels: [ObjectIdentifier: any Channel] = [:]

  init(service: ControlService, logger: Logger) {
    self.service = service
    self.logger = logger
  }

  /// Counts a client in; false if there are as many as are served.
  func add(_ channel: any Channel) -> Bool {
    guard channels.count < ControlLimits.maxConnections else { return false }
    channels[ObjectIdentifier(channel)] = channel
    return true
  }

  func remove(_ channel: any Channel) {
    channels[ObjectIdentifier(channel)] = nil
  }

  func closeAll() {
    for channel in channels.values { channel.close(promise: nil) }
  }
}
