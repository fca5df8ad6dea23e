import EventLoop
import Glibc
import Logging
import NodeTime
import Signatures
import Synchronization
import SystemPackage

@testable import ControlServer

/// The connections of a control server to clients over socket pairs, in front of a scripted node.
final class TestServer: Sendable {
  private let loop: EventLoop
  private let time: ServerTime
  private let served: LoopBound<Served>

  /// The parts of a server, on its loop.
  private struct Served {
    let node: ScriptedNode
    let connections: Connections
  }

  private init(_ settings: ControlServerSettings) async throws {
    let time = ServerTime()
    let loop = try EventLoop(clock: { time.now })
    self.time = time
    self.loop = loop
    served = try await loop.run {
      let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      let node = ScriptedNode(on: loop)
      let auditor = Auditor(on: loop, .none, logger: logger)
      guard let recordKey = SigningKey.random() else { throw Errno.ioError }
      let service = ControlService(
        node, version: "1", recordKey: recordKey, keyring: KeyringService(nil), auditor: auditor)
      let connections = Connections(service: service, settings, auditor: auditor, loop: loop, logger: logger)
      connections.start()
      return LoopBound(Served(node: node, connections: connections), on: loop)
    }
  }

  /// Runs a body with a server, and ends the server after it.
  static func with(
    _ change: (inout ControlServerSettings) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
  ) async throws {
    var settings = ControlServerSettings()
    change(&settings)
    let server = try await TestServer(settings)
    do {
      try await body(server)
    } catch {
      try await server.stop()
      throw error
    }
    try await server.stop()
  }

  private func stop() async throws {
    try await loop.run { [served] in served.value.connections.closeAll() }
    await loop.stop()
  }

  /// Connects a client.
  func connect() async throws -> TestClient {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
    let (mine, theirs) = (ends[0], ends[1])
    _ = fcntl(theirs, F_SETFL, O_NONBLOCK)
    // Little is on its way: what a client does not read is with the server.
    var room: Int32 = 16 << 10
    setsockopt(theirs, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    try await loop.run { [served] in served.value.connections.add(theirs) }
    return TestClient(mine)
  }

  /// Does something with the node, once the server has handled all that its clients have done.
  @discardableResult
  func withNode<Result: Sendable>(
    _ body: @escaping @Sendable (ScriptedNode) -> Result
  ) async throws -> Result {
    try await settle()
    let result = try await loop.run { [served] in body(served.value.node) }
    try await settle()
    return result
  }

  /// Waits until the server has handled all that its clients have done: it looks at their sockets in each
  /// iteration of its loop, and takes some lines of each.
  func settle() async throws {
    for _ in 0..<100 { try await loop.run {} }
  }

  /// Lets seconds pass.
  func advance(seconds: Int64) async throws {
    try await settle()
    time.advance(seconds: seconds)
    try await settle()
  }
}

/// A clock that a test sets.
final class ServerTime: Sendable {
  private let time = Mutex(
    Now(monotonic: Instant(nanoseconds: 1_000_000_000_000), wall: WallTime(seconds: 1_800_000_000)))

  /// The time.
  var now: Now { time.withLock(\.self) }

  /// Lets whole seconds pass.
  func advance(seconds: Int64) {
    time.withLock { now in
      now.monotonic = now.monotonic + .seconds(seconds)
      now.wall = WallTime(microseconds: now.wall.microseconds + seconds * 1_000_000)
    }
  }
}
