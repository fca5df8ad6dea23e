import Glibc
import Kademlia
import NIOCore
import NIOPosix

/// A node's address as people write it: a host name or an IP address, and a port.
package struct NodeName: Hashable, Sendable {
  /// A host name or an IP address, without brackets.
  package let host: String
  /// The UDP port.
  package let port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }
}

/// Turns names into endpoints. The system's resolver blocks, and so it has a thread to itself.
struct NameResolver: Sendable {
  private let pool = NIOThreadPool(numberOfThreads: 1)

  func start() { pool.start() }

  /// Lets the thread go. A look-up that hangs in the system's resolver is not waited for.
  func stop() {
    let pool = pool
    Task { try await pool.shutdownGracefully() }
  }

  /// What became of names that were looked up.
  struct Resolved: Sendable {
    /// All endpoints of all names, each once, in the order of the names.
    var endpoints: [Endpoint] = []
    /// The names that could not be looked up.
    var unresolved: [NodeName] = []
  }

  /// Looks names up.
  func resolve(_ names: [NodeName], on eventLoop: any EventLoop) -> EventLoopFuture<Resolved> {
    // Addresses need no look-up, and so no wait for the thread.
    let literals = names.compactMap { Self.literal($0) }
    if literals.count == names.count {
      return eventLoop.makeSucceededFuture(Resolved(endpoints: literals))
    }
    return pool.runIfActive(eventLoop: eventLoop) {
      var resolved = Resolved()
      for name in names {
        let endpoints = Self.lookUp(name)
        if endpoints.isEmpty { resolved.unresolved.append(name) }
        for endpoint in endpoints where !resolved.endpoints.contains(endpoint) {
          resolved.endpoints.append(endpoint)
        }
      }
      return resolved
    }
  }

  static func literal(_ name: NodeName) -> Endpoint? {
    guard let address = try? SocketAddress(ipAddress: name.host, port: Int(name.port)) else {
      return nil
    }
    return Endpoint(address)
  }

  /// The addresses of a host, of both families.
  private static func lookUp(_ name: NodeName) -> [Endpoint] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    hints.ai_protocol = Int32(IPPROTO_UDP)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(name.host, String(name.port), &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var endpoints: [Endpoint] = []
    var entry = list
    while let info = entry?.pointee {
      if let address = info.ai_addr, let endpoint = endpoint(address, family: info.ai_family) {
        endpoints.append(endpoint)
      }
      entry = info.ai_next
    }
    return endpoints
  }

  private static func endpoint(
    _ address: UnsafeMutablePointer<sockaddr>, family: Int32
  ) -> Endpoint? {
    switch family {
    case AF_INET:
      address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        Endpoint($0.pointee)
      }
    case AF_INET6:
      address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
        Endpoint($0.pointee)
      }
    default: nil
    }
  }
}
