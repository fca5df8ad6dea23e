import Dispatch
import EventLoop
import Glibc
import Kademlia

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
  private let queue = DispatchQueue(label: "dhtd.resolver")

  /// What became of names that were looked up.
  struct Resolved: Sendable {
    /// All endpoints of all names, each once, in the order of the names.
    var endpoints: [Endpoint] = []
    /// The names that could not be looked up.
    var unresolved: [NodeName] = []
  }

  /// Looks names up, and calls back on the loop, later: a look-up that hangs in the system's resolver is
  /// waited for by nobody but those behind it, who have the same resolver.
  func resolve(_ names: [NodeName], on loop: EventLoop, then use: @escaping (Resolved) -> Void) {
    // Addresses need no look-up, and so no wait for the thread.
    let literals = names.compactMap { Self.literal($0) }
    if literals.count == names.count {
      loop.executeLater { use(Resolved(endpoints: literals)) }
      return
    }
    let use = LoopBound(use, on: loop)
    queue.async {
      var resolved = Resolved()
      for name in names {
        let endpoints = Self.lookUp(name)
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
      if let address = info.ai_addr, let endpoint = Endpoint(address) { endpoints.append(endpoint) }
      entry = info.ai_next
    }
    return endpoints
  }
}
