import Dispatch
import EventLoop
import Glibc
import Kademlia

/// A node's address in text form: a host name or an IP address, and a port.
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

/// The result of a name lookup.
struct ResolvedNames: Sendable {
  /// The endpoints of all names, each once, in the order of the names.
  var endpoints: [Endpoint] = []
  /// The names without an address.
  var unresolved: [NodeName] = []
}

/// Resolves names to endpoints.
protocol NameResolving {
  /// Looks up names and calls back on the loop later.
  func resolve(_ names: [NodeName], then use: @escaping (ResolvedNames) -> Void)
}

/// Resolves names with the system's resolver, which blocks and therefore has its own thread.
struct NameResolver: NameResolving {
  private let loop: EventLoop
  private let lookUp: @Sendable (NodeName) -> [Endpoint]
  private let queue = DispatchQueue(label: "dhtd.resolver")

  /// - Parameter lookUp: returns the addresses of a name; it may block.
  init(on loop: EventLoop, lookUp: @escaping @Sendable (NodeName) -> [Endpoint] = NameResolver.systemLookup) {
    self.loop = loop
    self.lookUp = lookUp
  }

  /// Looks up names and calls back on the loop later. A lookup that hangs in the system's resolver delays
  /// only the later lookups of this resolver.
  func resolve(_ names: [NodeName], then use: @escaping (ResolvedNames) -> Void) {
    // IP addresses need no lookup, so they do not wait for the thread.
    let literals = names.compactMap { Self.literal($0) }
    if literals.count == names.count {
      loop.executeLater { use(ResolvedNames(endpoints: literals)) }
      return
    }
    let use = LoopBound(use, on: loop)
    queue.async { [loop, lookUp] in
      var resolved = ResolvedNames()
      for name in names {
        let endpoints = lookUp(name)
        if endpoints.isEmpty { resolved.unresolved.append(name) }
        for endpoint in endpoints where !resolved.endpoints.contains(endpoint) {
          resolved.endpoints.append(endpoint)
        }
      }
      loop.execute { [resolved] in use.value(resolved) }
    }
  }

  static func literal(_ name: NodeName) -> Endpoint? {
    guard name.port != 0 else { return nil }
    return IPAddress(name.host).map { Endpoint($0, port: name.port) }
  }

  /// The addresses of a host, of both families, from the system's resolver.
  @Sendable static func systemLookup(_ name: NodeName) -> [Endpoint] {
    // The list is valid until it is freed, and endpoints are copies.
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    unsafe hints.ai_protocol = Int32(IPPROTO_UDP)
    var list: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(name.host, String(name.port), &hints, &list) == 0 else { return [] }
    defer { unsafe freeaddrinfo(list) }
    var endpoints: [Endpoint] = []
    var entry = unsafe list
    while let info = unsafe entry?.pointee {
      if let address = unsafe info.ai_addr, let endpoint = unsafe Endpoint(address) {
        endpoints.append(endpoint)
      }
      unsafe entry = info.ai_next
    }
    return endpoints
  }
}
