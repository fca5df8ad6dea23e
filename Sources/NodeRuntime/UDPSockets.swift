import Glibc
import Kademlia
import NIOCore
import NIOPosix

/// The node's UDP sockets: one of each family at most, on one event loop.
struct UDPSockets {
  private(set) var v4: (any Channel)?
  private(set) var v6: (any Channel)?
  /// What is bound, IPv4 first; wildcards too.
  private(set) var endpoints: [Endpoint] = []

  var channels: [any Channel] { [v4, v6].compactMap(\.self) }

  var families: AddressFamilies {
    var families: AddressFamilies = []
    if v4 != nil { families.insert(.v4) }
    if v6 != nil { families.insert(.v6) }
    return families
  }

  func channel(for family: AddressFamily) -> (any Channel)? {
    switch family {
    case .v4: v4
    case .v6: v6
    }
  }

  /// The buffers asked for. The kernel gives what net.core.rmem_max allows; its default of 208 KiB
  /// overflows when many answers come at once.
  private static let bufferBytes: SocketOptionValue = 4 << 20
  /// Datagrams read with one system call, and the room for each: more than any node sends.
  private static let readBatch = 16
  private static let datagramRoom = 2048
  /// Bytes that wait to be sent before datagrams are dropped, as a full socket would.
  private static let writeHighWaterMark = 1 << 20

  /// Binds the sockets. They read nothing until `startReading`.
  static func bind(
    _ configuration: NodeConfiguration, on eventLoop: any EventLoop
  ) async throws -> UDPSockets {
    var sockets = UDPSockets()
    switch configuration.binding {
    case .loopback:
      try await sockets.add("127.0.0.1", configuration.port, on: eventLoop)
      do {
        try await sockets.add("::1", configuration.port, on: eventLoop)
      } catch NodeStartError.cannotBind {
        // A machine without IPv6 is one to run on, too.
      }
    case .addresses(let addresses):
      for address in addresses { try await sockets.add(address, configuration.port, on: eventLoop) }
    }
    return sockets
  }

  private mutating func add(
    _ host: String, _ port: UInt16, on eventLoop: any EventLoop
  ) async throws {
    guard let address = try? SocketAddress(ipAddress: host, port: Int(port)) else {
      await close()
      throw NodeStartError.notAnAddress(host)
    }
    let isV6 = address.protocol == .inet6
    guard (isV6 ? v6 : v4) == nil else {
      await close()
      throw NodeStartError.twoAddressesOfOneFamily(host)
    }
    do {
      let channel = try await Self.bind(address, on: eventLoop)
      if isV6 { v6 = channel } else { v4 = channel }
      if let bound = channel.localAddress.flatMap({ Endpoint($0) }) { endpoints.append(bound) }
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      await close()
      throw NodeStartError.portInUse(address: host, port: port)
    } catch {
      if !(isV6 && v4 != nil) { await close() }
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      throw NodeStartError.cannotBind(address: host, port: port, reason: reason)
    }
  }

  private static func bind(
    _ address: SocketAddress, on eventLoop: any EventLoop
  ) async throws -> any Channel {
    var bootstrap = DatagramBootstrap(group: eventLoop)
      .channelOption(.autoRead, value: false)
      .channelOption(.datagramVectorReadMessageCount, value: readBatch)
      // Once a turn of the loop: the call that would find nothing more costs as much as one that
      // reads sixteen, and what is left makes the next turn come at once.
      .channelOption(.maxMessagesPerRead, value: 1)
      .channelOption(
        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readBatch * datagramRoom)
      )
      .channelOption(.socketOption(.so_rcvbuf), value: bufferBytes)
      .channelOption(.socketOption(.so_sndbuf), value: bufferBytes)
      .channelOption(
        .writeBufferWaterMark,
        value: .init(low: writeHighWaterMark / 2, high: writeHighWaterMark))
    if address.protocol == .inet6 {
      // Each family has a socket of its own on the same port; NIO would have IPv6 take both.
      bootstrap = bootstrap.channelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
    }
    return try await bootstrap.bind(to: address).get()
  }

  func close() async {
    for channel in channels { try? await channel.close() }
  }
}
