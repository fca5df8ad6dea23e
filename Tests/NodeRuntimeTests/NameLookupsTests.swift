import EventLoop
import Kademlia
import Synchronization
import Testing

@testable import NodeRuntime

/// A resolver that answers when the test does.
private final class ManualResolver: NameResolving {
  private(set) var names: [[NodeName]] = []
  private var uses: [(ResolvedNames) -> Void] = []

  func resolve(_ names: [NodeName], then use: @escaping (ResolvedNames) -> Void) {
    self.names.append(names)
    uses.append(use)
  }

  /// Answers the oldest look-up.
  func answer(_ endpoints: [Endpoint] = [], unresolved: [NodeName] = []) {
    uses.removeFirst()(ResolvedNames(endpoints: endpoints, unresolved: unresolved))
  }
}

@Suite("Looking names up")
struct NameLookupsTests {
  private let captured = CapturedLog()
  private let bootstrap = ManualResolver()
  private let clients = ManualResolver()
  private let first = NodeName(host: "first.example", port: 1)
  private let second = NodeName(host: "second.example", port: 2)
  private let endpoint = Endpoint(.v4(0xC000_0201), port: 1)

  private func lookups(_ names: [NodeName], maxClientLookups: Int = 2) -> NameLookups {
    NameLookups(
      bootstrap: names, maxClientLookups: maxClientLookups, bootstrapResolver: bootstrap,
      clientResolver: clients, log: NodeLog(captured.logger))
  }

  private static func failure(_ name: NodeName) -> String {
    "cannot look up the bootstrap node \(name.host):\(name.port); retrying"
  }

  @Test("a bootstrap name without an address is logged once, however often it is retried")
  func failures() {
    let lookups = lookups([first, second])
    var results: [ResolvedNames] = []
    for _ in 0..<3 {
      lookups.resolveBootstrap { results.append($0) }
      bootstrap.answer([endpoint], unresolved: [second])
    }
    #expect(bootstrap.names == Array(repeating: [first, second], count: 3))
    #expect(results.map(\.endpoints) == Array(repeating: [endpoint], count: 3))
    #expect(results.map(\.unresolved) == Array(repeating: [second], count: 3))
    #expect(captured.texts == [Self.failure(second)])
  }

  @Test("a bootstrap name that fails again after it has been resolved is logged again")
  func failureAfterSuccess() {
    let lookups = lookups([first])
    for unresolved in [[first], [], [first]] {
      lookups.resolveBootstrap { _ in }
      bootstrap.answer(unresolved: unresolved)
    }
    #expect(captured.texts == [Self.failure(first), Self.failure(first)])
  }

  @Test("the result for bootstrap names that were replaced meanwhile is dropped")
  func replacedNames() {
    let lookups = lookups([first])
    lookups.resolveBootstrap { _ in Issue.record("outdated names were used") }
    #expect(!lookups.adopt(bootstrap: [first], maxClientLookups: 2))
    #expect(lookups.adopt(bootstrap: [second], maxClientLookups: 2))
    bootstrap.answer(unresolved: [first])
    #expect(captured.texts == [])
    var used = 0
    lookups.resolveBootstrap { _ in used += 1 }
    bootstrap.answer([endpoint])
    #expect(bootstrap.names.last == [second])
    #expect(used == 1)
  }

  @Test("clients' lookups are limited, and have their own resolver")
  func clientLimit() throws {
    let lookups = lookups([])
    var found: [[Endpoint]] = []
    for _ in 0..<2 { try lookups.resolve([first]) { found.append($0) } }
    #expect(throws: OperationRefusal.busy(limit: 2)) { try lookups.resolve([first]) { _ in } }
    clients.answer([endpoint])
    try lookups.resolve([second]) { found.append($0) }
    clients.answer()
    clients.answer()
    #expect(found == [[endpoint], [], []])
    #expect(clients.names == [[first], [first], [second]])
    #expect(bootstrap.names == [])
    #expect(captured.texts == [])
    // A smaller limit counts from the next look-up on.
    try lookups.resolve([first]) { _ in }
    #expect(!lookups.adopt(bootstrap: [], maxClientLookups: 1))
    #expect(throws: OperationRefusal.busy(limit: 1)) { try lookups.resolve([first]) { _ in } }
  }

  @Test("results that come after the stop are dropped")
  func stop() throws {
    let lookups = lookups([first])
    lookups.resolveBootstrap { _ in Issue.record("a bootstrap look-up ended after the stop") }
    try lookups.resolve([first]) { _ in Issue.record("a client's look-up ended after the stop") }
    lookups.stop()
    bootstrap.answer(unresolved: [first])
    clients.answer([endpoint])
    #expect(captured.texts == [])
  }

  /// The names that a resolver has looked up on its thread.
  private final class Lookups: Sendable {
    let names = Mutex<[NodeName]>([])
  }

  /// Resolves names with a resolver that knows only `first.example`.
  private func resolve(_ names: [NodeName], noting lookups: Lookups) async throws -> ResolvedNames {
    let loop = try EventLoop()
    let known = (first, endpoint)
    let resolved = await withCheckedContinuation { continuation in
      loop.execute {
        let resolver = NameResolver(on: loop) { name in
          lookups.names.withLock { $0.append(name) }
          return name == known.0 ? [known.1] : []
        }
        resolver.resolve(names) { continuation.resume(returning: $0) }
      }
    }
    await loop.stop()
    return resolved
  }

  @Test("literal addresses are not looked up")
  func literals() async throws {
    let lookups = Lookups()
    let resolved = try await resolve(
      [NodeName(host: "192.0.2.1", port: 1), NodeName(host: "2001:db8::1", port: 2)], noting: lookups)
    #expect(resolved.endpoints.map(\.description) == ["192.0.2.1:1", "[2001:db8::1]:2"])
    #expect(resolved.unresolved == [])
    #expect(lookups.names.withLock(\.self) == [])
    #expect(NameResolver.literal(NodeName(host: "192.0.2.1", port: 0)) == nil)
    #expect(NameResolver.literal(first) == nil)
  }

  @Test("failed names are reported, and an endpoint of two names is returned once")
  func mixture() async throws {
    let lookups = Lookups()
    let resolved = try await resolve([second, first, first], noting: lookups)
    #expect(resolved.endpoints == [endpoint])
    #expect(resolved.unresolved == [second])
    #expect(lookups.names.withLock(\.self) == [second, first, first])
  }

  @Test("the system's resolver gives the addresses of this machine, and none for a port of 0")
  func system() {
    let loopback = NameResolver.systemLookup(NodeName(host: "127.0.0.1", port: 7))
    #expect(loopback.map(\.description) == ["127.0.0.1:7"])
    #expect(NameResolver.systemLookup(NodeName(host: "127.0.0.1", port: 0)) == [])
  }
}
