import Glibc
import Kademlia
import NIOCore
import NIOPosix

/// A bound UDP socket: NIO reads it, and `DatagramSender` writes to it.
struct UDPSocket {
  let channel: any Channel
  let descriptor: Int32
  /// What it is bound to; a wildcard too.
  let endpoint: Endpoint

  /// The buffers asked for. The kernel gives what net.core.rmem_max allows; its default of 208 KiB
  /// overflows when many answers come at once.
  private static let bufferBytes: SocketOptionValue = 4 << 20
  /// Datagrams read with one system call, and the room for each: more than any node sends.
  private static let readBatch = 16
  private static let datagramRoom = 2048

  /// Binds a socket. It reads nothing until its channel is told to.
  static func bind(
    _ host: String, port: UInt16, on eventLoop: any EventLoop
  ) async throws -> UDPSocket {
    guard let address = try? SocketAddress(ipAddress: host, port: Int(port)) else {
      throw NodeStartError.notAnAddress(host)
    }
    func failure(_ code: Int32) -> NodeStartError {
      code == EADDRINUSE
        ? .portInUse(address: host, port: port)
        : .cannotBind(address: host, port: port, reason: errorText(code))
    }
    let isV6 = address.protocol == .inet6
    let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(isV6 ? AF_INET6 : AF_INET, Int32(kind), 0)
    guard descriptor >= 0 else { throw failure(errno) }
    if isV6 {
      // Each family has a socket of its own on the same port.
      var isOn: Int32 = 1
      setsockopt(
        descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }
    guard address.withSockAddr({ Glibc.bind(descriptor, $0, socklen_t($1)) }) == 0 else {
      let code = errno
      close(descriptor)
      throw failure(code)
    }
    let channel: any Channel
    do {
      channel = try await DatagramBootstrap(group: eventLoop)
        .channelOption(.autoRead, value: false)
        .channelOption(.datagramVectorReadMessageCount, value: readBatch)
        // Once a turn of the loop: the call that would find nothing more costs as much as one that
        // reads sixteen, and what is left makes the next turn come at once.
        .channelOption(.maxMessagesPerRead, value: 1)
        .channelOption(
          .recvAllocator,
          value: FixedSizeRecvByteBufferAllocator(capacity: readBatch * datagramRoom)
        )
        .channelOption(.socketOption(.so_rcvbuf), value: bufferBytes)
        .channelOption(.socketOption(.so_sndbuf), value: bufferBytes)
        .withBoundSocket(descriptor).get()
    } catch {
      // NIO has closed the socket.
      throw NodeStartError.cannotBind(address: host, port: port, reason: "\(error)")
    }
    guard let endpoint = channel.localAddress.flatMap({ Endpoint($0) }) else {
      try? await channel.close()
      throw NodeStartError.cannotBind(address: host, port: port, reason: "it got no address")
    }
    return UDPSocket(channel: channel, descriptor: descriptor, endpoint: endpoint)
  }
}

/// The node's UDP sockets: one of each family at most.
struct UDPSockets {
  private(set) var v4: UDPSocket?
  private(set) var v6: UDPSocket?

  var all: [UDPSocket] { [v4, v6].compactMap(\.self) }

  /// What is bound, IPv4 first.
  var endpoints: [Endpoint] { all.map(\.endpoint) }

  var families: AddressFamilies {
    var families = AddressFamilies()
    if v4 != nil { families.insert(.v4) }
    if v6 != nil { families.insert(.v6) }
    return families
  }

  /// Binds the sockets that a configuration asks for, or none.
  ///
  /// - Throws: `NodeStartError`.
  static func bind(
    _ configuration: NodeConfiguration, on eventLoop: any EventLoop
  ) async throws -> UDPSockets {
    var sockets = UDPSockets()
    let port = configuration.port
    do {
      switch configuration.binding {
      case .loopback:
        sockets.v4 = try await UDPSocket.bind("127.0.0.1", port: port, on: eventLoop)
        do {
          sockets.v6 = try await UDPSocket.bind("::1", port: port, on: eventLoop)
        } catch NodeStartError.cannotBind {
          // A machine without IPv6 is one to run on, too.
        }
      case .addresses(let addresses):
        for address in addresses {
          try sockets.add(try await UDPSocket.bind(address, port: port, on: eventLoop), address)
        }
      }
    } catch {
      await sockets.close()
      throw error
    }
    return sockets
  }

  private mutating func add(_ socket: UDPSocket, _ address: String) throws(NodeStartError) {
    switch socket.endpoint.address.family {
    case .v4 where v4 == nil: v4 = socket
    case .v6 where v6 == nil: v6 = socket
    case .v4, .v6:
      socket.channel.close(promise: nil)
      throw .twoAddressesOfOneFamily(address)
    }
  }

  func close() async {
    for socket in all { try? await socket.channel.close() }
  }
}
